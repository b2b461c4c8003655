"""What keeps an element in a bucket from starting, and what it says then."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from faulty_store import FaultyStore, cut, faulty_store, refused, without_conditions
from process import environment
from pydantic import ValidationError
from running_element import ELEMENT_ID, SettingsAt
from s3_servers import settings_of
from scribe import Scribe, everything, shown

from artstore_kit.contracts.errors import StorageUnavailable
from artstore_kit.contracts.modes import Mode
from artstore_kit.settings import WrongSettings, load
from artstore_kit.start import StartRefused
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.client import open_client
from storage_element.adapters.s3.opened import open_bucket
from storage_element.config import S3Settings, Settings
from storage_element.domain import layout


@pytest.fixture
async def store(moto_url: str) -> AsyncIterator[FaultyStore]:
    async with faulty_store(moto_url) as store:
        yield store


@pytest.fixture
def settings(store: FaultyStore) -> S3Settings:
    return settings_of(store.url, uuid4().hex, give_up_s=20.0, attempts_count=2)


async def opened(settings: S3Settings) -> None:
    async with open_bucket(settings, ELEMENT_ID, Mode.EDIT):
        pass


@pytest.mark.parametrize("method", ["PUT", ""])
async def test_a_store_without_conditions_is_refused(settings: S3Settings, store: FaultyStore, method: str) -> None:
    """Even for one node: a PUT that was given up may arrive late."""
    store.will(without_conditions, method)
    with pytest.raises(StartRefused, match="does not keep to If-None-Match"):
        await opened(settings)


async def test_a_store_that_does_not_offer_conditions_is_refused(settings: S3Settings, store: FaultyStore) -> None:
    await opened(settings)
    store.will(refused(501, "NotImplemented"), "PUT", "probe-")
    with pytest.raises(StartRefused, match="offers no conditional writes: 501"):
        await opened(settings)


@pytest.mark.parametrize("how", ["ignored", "refused"])
async def test_a_store_may_remove_without_condition(settings: S3Settings, store: FaultyStore, how: str) -> None:
    if how == "ignored":
        store.will(without_conditions, "DELETE")
    else:
        store.will(refused(501, "NotImplemented"), "DELETE", "probe-")
    async with open_bucket(settings, ELEMENT_ID, Mode.EDIT) as opened_bucket:
        storage = opened_bucket.storage
        await opened_bucket.reach()
        scribe = await Scribe.master(storage)
        file, gone = await scribe.create(b"kept"), await scribe.create(b"gone")
        await scribe.remove(gone)
        assert await everything(storage) == shown([(file, b"kept")])


async def test_without_the_store_there_is_no_start(settings: S3Settings, store: FaultyStore) -> None:
    store.will(cut)
    with pytest.raises(StartRefused, match="the store cannot be used"):
        await opened(settings)


async def test_an_element_that_has_vanished_cannot_be_reached(settings: S3Settings) -> None:
    async with open_bucket(settings, ELEMENT_ID, Mode.EDIT) as opened_bucket, open_client(settings) as client:
        await Bucket(client, settings).remove_many([layout.SUPERBLOCK])
        with pytest.raises(StorageUnavailable) as refusal:
            await opened_bucket.reach()
        assert refusal.value.__notes__ == ["element.json is gone"]


async def test_a_bucket_that_is_not_there_is_named(settings: S3Settings) -> None:
    with pytest.raises(StartRefused, match="NoSuchBucket"):
        await opened(settings.model_copy(update={"bucket": "nowhere"}))


def test_a_directory_or_a_bucket(settings_at: SettingsAt, tmp_path: Path) -> None:
    given = settings_at(tmp_path).model_dump()
    bucket = settings_of("http://127.0.0.1:9", "x").model_dump()
    for changes, told in (
        ({"s3": bucket}, "ARTSTORE_ELEMENT__ROOT, a directory, or ARTSTORE_S3__BUCKET, and not both"),
        ({"element": {**given["element"], "root": None}}, "or ARTSTORE_S3__BUCKET, and not both"),
        (
            {"element": {**given["element"], "root": None}, "s3": {"bucket": "artstore"}},
            "needs ARTSTORE_S3__ACCESS_KEY_ID, ARTSTORE_S3__SECRET_ACCESS_KEY, ARTSTORE_S3__CAPACITY_BYTES",
        ),
    ):
        with pytest.raises(ValidationError, match=told):
            Settings.model_validate(given | changes)


def test_settings_come_from_variables_and_files(
    settings_at: SettingsAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_at(tmp_path, s3=settings_of("http://127.0.0.1:9", "x"))
    for name, value in environment(given, 1).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ARTSTORE_S3__SECRET_ACCESS_KEY")
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("ARTSTORE_S3__SECRET_ACCESS_KEY_FILE", str(tmp_path / "secret"))
    loaded = load(Settings).s3
    assert loaded.secret_access_key is not None
    assert loaded.secret_access_key.get_secret_value() == "from a file"
    assert (loaded.bucket, loaded.prefix, loaded.capacity_bytes) == ("artstore", "x", 2**30)
    monkeypatch.setenv("ARTSTORE_ELEMENT__ROOT", str(tmp_path))
    with pytest.raises(WrongSettings, match=r"^give ARTSTORE_ELEMENT__ROOT"):
        load(Settings)
