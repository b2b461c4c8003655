"""`artstore-element rebuild-index`: the index of a stopped element, from its files alone, and whether it is equal."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from element_core import open_core
from operator_command import artstore_element, report, snapshot, told
from running_element import Element, ElementAt
from stopped_element import Stopped

from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from storage_element.adapters.index import Index
from storage_element.domain import layout


@pytest.fixture(autouse=True)
def _settings(postgres: PostgresSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the service has them: others of its variables are there too, and one comes in a file."""
    (tmp_path / "url").write_text(f"{postgres.url}\n")
    monkeypatch.setenv("ARTSTORE_POSTGRES__URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("ARTSTORE_SERVER__PORT", "1")


@pytest.fixture
def indexed(stopped: Stopped) -> Stopped:
    """Its index is there, however quickly it was stopped."""
    assert artstore_element("rebuild-index", stopped.root).returncode == 0
    return stopped


async def execute(database: Database, statement: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text(statement))


async def verified(root: Path, code: int) -> bool:
    """Whether index and files are equal."""
    ran = artstore_element("rebuild-index", "--verify", "--json", root)
    assert ran.returncode == code, ran.stderr
    outcome = report(ran)
    assert outcome["was_equal"] is (outcome["files"] == outcome["index"])
    assert outcome["rebuilt"] is False
    return bool(outcome["was_equal"])


async def test_a_difference_is_found_and_put_right(indexed: Stopped, database: Database) -> None:
    before = snapshot(indexed.root)
    assert await verified(indexed.root, 0)
    await execute(database, "UPDATE files SET attributes = attributes || ' ' WHERE attributes IS NOT NULL")
    assert not await verified(indexed.root, 1)
    assert snapshot(indexed.root) == before
    assert b"NOT EQUAL" in artstore_element("rebuild-index", "--verify", indexed.root).stdout
    rebuilt = artstore_element("rebuild-index", indexed.root)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert rebuilt.stdout.decode().startswith("files: 2 documents, root ")
    assert rebuilt.stdout.decode().endswith(" s, and equal now\n")
    assert await verified(indexed.root, 0)


async def test_the_service_goes_on_with_it(indexed: Stopped, element_at: ElementAt, database: Database) -> None:
    await execute(database, "TRUNCATE files, index_state")
    outcome = report(artstore_element("rebuild-index", "--json", indexed.root))
    assert (outcome["index"], outcome["was_equal"], outcome["rebuilt"]) == (None, False, True)
    generation, entries = await Index(database, "edit-1").feed(0, 10)
    assert {entry.file_id for entry in entries} == {indexed.small.file_id, indexed.large.file_id}
    async with element_at(indexed.root) as element:
        file = await element.put()
        page = await element.feed_up_to(file.element.lsn)
        assert (page.generation, len(page.items)) == (generation, 3)


async def test_what_a_crash_left_is_recovered_first(root: Path, database: Database) -> None:
    async with open_core(root) as core:
        await core.create(b"acknowledged")
    shutil.rmtree(root / layout.FILES)
    (root / layout.FILES).mkdir()
    waits = told(artstore_element("rebuild-index", "--verify", root), 2)
    assert "1 documents wait for a replay; start it once, or rebuild" in waits
    assert report(artstore_element("rebuild-index", "--json", root))["files"]["files"] == 1
    assert await Index(database, "edit-1").count() == 1
    assert await verified(root, 0)


async def test_a_running_element_is_left_alone(element: Element) -> None:
    for options in ([], ["--verify"]):
        assert "process serves the element" in told(artstore_element("rebuild-index", *options, element.root), 2)


async def test_the_database_of_another_element_is_left_alone(indexed: Stopped, database: Database) -> None:
    await execute(database, "UPDATE index_state SET element_id = 'rw-1'")
    for options in ([], ["--verify"]):
        said = told(artstore_element("rebuild-index", *options, indexed.root), 2)
        assert "holds the index of the element rw-1; give edit-1 its own" in said
    assert await Index(database, "rw-1").count() == 2


def test_without_a_database_it_says_what_it_needs(stopped: Stopped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARTSTORE_POSTGRES__URL_FILE")
    assert "ARTSTORE_POSTGRES__URL" in told(artstore_element("rebuild-index", stopped.root), 2)


async def test_a_damaged_document_is_named(indexed: Stopped) -> None:
    indexed.element.attributes_path(indexed.small).write_bytes(b"{")
    assert not await verified(indexed.root, 1)
    rebuilt = artstore_element("rebuild-index", "--json", indexed.root)
    assert (rebuilt.returncode, report(rebuilt)["files"]["files"]) == (0, 1)
    assert str(indexed.small.file_id) in rebuilt.stderr.decode()
