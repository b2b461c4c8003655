"""The registry of storage elements in memory: from Redis, else from the admin module, else as last known."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from prometheus_client import Gauge
from pydantic import ValidationError

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.elements import REGISTRY_INDEX_KEY, REGISTRY_KEY_PREFIX, REGISTRY_TTL_S, ElementView
from artstore_kit.contracts.errors import ArtStoreError, RedisUnavailable, RegistryUnavailable
from artstore_kit.redis import RedisClient, translate_errors
from artstore_kit.workers import run_forever

REFRESH_S = 2.0
CONFIRM_EVERY_S = 10.0
"""How often the admin module is asked about elements that Redis does not name; at once about another address."""

ELEMENTS = Gauge("artstore_registry_elements", "Storage elements known here", ["state"])
REFRESHED = Gauge("artstore_registry_refreshed_timestamp_seconds", "When the registry was last read")


class Source(StrEnum):
    """Where the list came from when it was last read."""

    REDIS = "redis"
    ADMIN = "admin"
    REMEMBERED = "remembered"


class ElementDirectory:
    """The elements of the fleet. An empty or flushed Redis makes none disappear: only the admin module can say that.

    Where an element is, the admin module alone says too: services send their tokens there.
    """

    def __init__(self, redis: RedisClient, admin: AdminClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._admin = admin
        self._clock = clock
        self._known: dict[str, ElementView] = {}
        self._alive: frozenset[str] = frozenset()
        self._read_at: float | None = None
        self._confirmed_at = float("-inf")
        self.source = Source.REMEMBERED

    def elements(self) -> list[ElementView]:
        """Every element, in the order of filling; `RegistryUnavailable` when the list could never be read.

        One that is silent is among them: it may be cut off from the admin module and still serve.
        """
        if self._read_at is None:
            raise RegistryUnavailable
        return sorted(self._known.values(), key=lambda element: (element.priority, element.element_id))

    def alive(self) -> list[ElementView]:
        """Those that had reported within `REGISTRY_TTL_S` when the list was last read."""
        return [element for element in self.elements() if element.element_id in self._alive]

    def find(self, element_id: str) -> ElementView | None:
        """One element; `RegistryUnavailable` when the list could never be read."""
        return next((element for element in self.elements() if element.element_id == element_id), None)

    @property
    def age_s(self) -> float:
        """Seconds since the list was last read from Redis or the admin module; infinite when never."""
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    async def run(self) -> NoReturn:
        """Refresh for good."""
        await run_forever("registry", REFRESH_S, self.refresh)

    async def refresh(self) -> None:
        """Read the list once; when neither Redis nor the admin module answers, the last one stays."""
        seen = await self._seen_in_redis()
        confirmed = await self._listed_by_admin() if self._needs_confirmation(seen) else None
        known = self._known if confirmed is None else confirmed
        seen = {name: view for name, view in seen.items() if _is_where(known.get(name), view)}
        if not seen and confirmed is None:
            self.source = Source.REMEMBERED
            return
        self._known = {**known, **seen}
        self._alive = frozenset(seen) | _recent((confirmed or {}).values())
        self._read_at = self._clock()
        self.source = Source.REDIS if seen else Source.ADMIN
        self._show()

    def _needs_confirmation(self, seen: Mapping[str, ElementView]) -> bool:
        """Redis says who is alive; who has gone, or was silent before we started, it cannot say."""
        vanished = self._alive - seen.keys()
        due = self._clock() - self._confirmed_at >= CONFIRM_EVERY_S
        unseen = not seen.keys() >= self._known.keys() or self._confirmed_at == float("-inf")
        elsewhere = not all(_is_where(self._known.get(name), view) for name, view in seen.items())
        return not seen or bool(vanished) or elsewhere or (due and unseen)

    async def _seen_in_redis(self) -> dict[str, ElementView]:
        try:
            with translate_errors():
                ids = sorted(map(str, await self._redis.smembers(REGISTRY_INDEX_KEY)))
                documents = await self._redis.mget([REGISTRY_KEY_PREFIX + each for each in ids]) if ids else []
        except RedisUnavailable:
            return {}
        return {view.element_id: view for view in _views(documents)}

    async def _listed_by_admin(self) -> dict[str, ElementView] | None:
        try:
            listed = await self._admin.elements()
        except ArtStoreError:
            return None
        self._confirmed_at = self._clock()
        return {view.element_id: view for view in listed}

    def _show(self) -> None:
        ELEMENTS.labels("alive").set(len(self._alive))
        ELEMENTS.labels("silent").set(len(self._known) - len(self._alive))
        REFRESHED.set(time.time())


def _views(documents: Iterable[bytes | str | None]) -> Iterable[ElementView]:
    for document in documents:
        if document is not None:
            try:
                yield ElementView.model_validate_json(document)
            except ValidationError:
                continue  # written by something else: the admin module will be asked


def _is_where(known: ElementView | None, view: ElementView) -> bool:
    return known is not None and known.url == view.url


def _recent(views: Iterable[ElementView]) -> frozenset[str]:
    since = datetime.now(UTC) - timedelta(seconds=REGISTRY_TTL_S)
    return frozenset(view.element_id for view in views if view.reported_at and view.reported_at >= since)
