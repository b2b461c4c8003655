"""Who of several nodes is the master: the storage judges, and the mark on it tells who lives; Redis makes it quick."""

import asyncio
import random
from contextlib import suppress

from artstore_kit.contracts.errors import ArtStoreError, MasterElsewhere, NoMaster, RedisUnavailable
from artstore_kit.logs import event_logger
from artstore_kit.request_context import target
from artstore_kit.start import StartRefused
from storage_element.adapters.lease import Lease
from storage_element.config import NodeSettings
from storage_element.domain.mastership import Mark, Marks, Sighting
from storage_element.domain.storage import Fenced
from storage_element.services.commit import Committer

BEATS_A_LEASE = 3
NOBODY_AFTER_LEASES = 3


class Election:
    """One node's part in it. To be wrong costs an interruption and no more: whoever takes over fences the other off."""

    def __init__(self, settings: NodeSettings, url: str, lease: Lease | None) -> None:
        self._settings = settings
        self._url = url
        self._lease = lease
        self._beat_s = settings.lease_s / BEATS_A_LEASE
        self._seen: Sighting | None = None
        self._looked_at = self._changed_at = self._confirmed_at = self._answered_at = float("-inf")
        self._beats = 0
        self.may_lead = True
        self.is_leading = False

    def refusal(self) -> ArtStoreError:
        """What a request is told that only the master can carry out."""
        if self.master is None:
            return NoMaster(headers={"Retry-After": "1"})
        return MasterElsewhere(headers={"Location": f"{self.master.url.rstrip('/')}{target()}"})

    @property
    def node_id(self) -> str:
        """The name of this node."""
        return self._settings.id

    @property
    def master(self) -> Mark | None:
        """Who takes writes, as far as this follower has seen: nobody after a silence in which any other took over."""
        is_silent = _now() - self._changed_at > NOBODY_AFTER_LEASES * self._settings.lease_s
        return self._seen.master if self._seen and not is_silent else None

    def silent_s(self) -> float:
        """For how long the storage has not answered, when that is longer than it should be; else 0."""
        silent_s = _now() - self._answered_at
        return silent_s if silent_s > 2 * self._settings.lease_s else 0

    def is_certain(self) -> bool:
        """Whether no other node can have thought this master silent by now, however long it was stopped."""
        return _now() - self._confirmed_at < self._settings.lease_s / 2

    # --- following

    async def follow(self, marks: Marks, stop: asyncio.Event) -> None:
        """Watch the master; return when it is this node's turn to take over, or to stop."""
        self._looked_at = float("-inf")
        while not stop.is_set():
            if await self._looks(marks) and self.may_lead and await self._is_due():
                return
            await _first_of(stop, within_s=self._beat_s * random.uniform(0.5, 1))  # noqa: S311 (jitter)

    async def still_due(self, marks: Marks) -> bool:
        """Whether nobody was quicker. From here on this node knows of no master."""
        before = self._seen
        is_seen = await self._looks(marks)
        seen, self._seen = self._seen, None
        return is_seen and seen == before

    async def _looks(self, marks: Marks) -> bool:
        """False when the storage does not answer; it is not waited for longer than for a master."""
        try:
            async with asyncio.timeout(self._settings.lease_s):
                await self._look(marks)
        except (OSError, Fenced, StartRefused) as error:
            self._seen = None
            event_logger().warning("the element cannot be seen", detail=str(error))
            return False
        return True

    async def _look(self, marks: Marks) -> None:
        """Time that this node itself was stopped is not the master's silence."""
        now = _now()
        seen = await marks.look()
        self._answered_at = _now()
        if seen != self._seen or now - self._looked_at > self._settings.lease_s:
            self._changed_at = now
        self._seen, self._looked_at = seen, now

    async def _is_due(self) -> bool:
        """Silent for two leases, or for most of one and Redis lets this node go first; sooner when nobody is there.

        Whoever waits a little less than the others is alone in it. Redis makes it sooner and never later: it may tell
        of a lease of long ago.
        """
        assert self._seen is not None, "looked at before"
        silent_s = _now() - self._changed_at - random.uniform(0, self._beat_s)  # noqa: S311 (jitter)
        if silent_s >= 2 * self._settings.lease_s:
            return True
        if self._seen.is_released:
            return silent_s >= 0 and await self._goes_first(otherwise=True)
        vacant = self._seen.mark is None
        return silent_s >= 2 * self._beat_s and await self._goes_first(otherwise=vacant)

    async def _goes_first(self, *, otherwise: bool) -> bool:
        if self._lease is None:
            return otherwise
        try:
            async with asyncio.timeout(self._beat_s):
                return await self._lease.hold()
        except (RedisUnavailable, TimeoutError):
            return otherwise

    # --- leading

    async def announce(self, marks: Marks) -> None:
        """While the journal is replayed: the others see that this node is at it."""
        while not marks.epoch:  # noqa: ASYNC110 (the take-over happens in a thread)
            await asyncio.sleep(self._beat_s / 50)
        with suppress(Fenced):  # the replay finds it out, too
            while True:
                await self._beat(marks, is_ready=False)
                await asyncio.sleep(self._beat_s / 2)

    async def lead(self, marks: Marks, committer: Committer, stop: asyncio.Event) -> None:
        """Be the master until another node is, writing has failed, or this one stops.

        After a fault of the storage another node shall try; this one stays a follower until it is restarted.
        """
        self.is_leading = True
        try:
            while not committer.failed.is_set() and not stop.is_set():
                await self._beat(marks, is_ready=True)
                await _first_of(committer.failed, stop, within_s=self._beat_s)
        except Fenced as error:
            committer.fail(error)
        finally:
            self.is_leading = False
        self.may_lead = committer.is_fenced or not committer.fault

    async def release(self, marks: Marks) -> None:
        """Nothing is open any more: whoever wants to may take over at once."""
        with suppress(Fenced, OSError):
            async with asyncio.timeout(self._settings.lease_s):
                await marks.write(self._mark(marks, is_released=True))
        if self._lease is not None:
            with suppress(RedisUnavailable, TimeoutError):
                async with asyncio.timeout(self._beat_s):
                    await self._lease.release()

    async def _beat(self, marks: Marks, *, is_ready: bool) -> None:
        """One that cannot be written is told, and followed by the next; `Fenced`."""
        began = _now()
        try:
            async with asyncio.timeout(self._settings.lease_s):
                await marks.write(self._mark(marks, is_ready=is_ready))
        except OSError as error:
            event_logger().warning("the mark cannot be written", detail=str(error))
            return
        self._confirmed_at = self._answered_at = began
        if self._lease is not None:
            with suppress(RedisUnavailable, TimeoutError):
                async with asyncio.timeout(self._beat_s):
                    await self._lease.hold()

    def _mark(self, marks: Marks, *, is_ready: bool = False, is_released: bool = False) -> Mark:
        self._beats += 1
        return Mark(
            node_id=self._settings.id,
            url=self._url,
            epoch=marks.epoch,
            beat=self._beats,
            is_ready=is_ready,
            is_released=is_released,
        )


async def _first_of(*events: asyncio.Event, within_s: float) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
