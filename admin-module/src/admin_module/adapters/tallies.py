"""Tallies in Redis, for all nodes, and in this node's memory, which goes on when Redis is away or has lost them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice, starmap

from admin_module import metrics
from admin_module.domain.limits import Step, Tally
from artstore_kit.contracts.errors import RedisUnavailable
from artstore_kit.logs import event_logger
from artstore_kit.redis import RedisClient, translate_errors
from artstore_kit.together import Together

REMEMBERED = 100_000
"""Names whose tallies are held in memory; the one that was counted longest ago goes first."""
PAUSE_AFTER_FAILURE_S = 5.0
"""A Redis that is silent costs each who asks it a whole timeout: it is left alone for so long."""

_PREFIX = "artstore:{tallies}:"
"""One `{hashtag}` for all: a script may count those of one slot only, and one node of a Cluster counts many times more
than all cores of a fleet can sign."""

_COUNT = """
local tallies = {}
for place, key in ipairs(KEYS) do
  local count = tonumber(redis.call('GET', key) or '0')
  local add, lives_s, renews = unpack(ARGV, 3 * place - 2, 3 * place)
  if tonumber(add) > 0 then
    count = redis.call('INCRBY', key, add)
    if count == tonumber(add) or renews == '1' then redis.call('EXPIRE', key, lives_s) end
  end
  tallies[place] = {count, redis.call('PTTL', key)}
end
return tallies
"""
"""Whole or not at all: a tally without an end would lock somebody out for ever."""


class TalliesInRedis:
    """Counted for all nodes; `RedisUnavailable` when it cannot be."""

    def __init__(self, redis: RedisClient) -> None:
        self._script = redis.register_script(_COUNT)
        self._together = Together(self._count_all)

    async def count(self, steps: Sequence[Step]) -> list[Tally]:
        """One round trip, for all who count at once."""
        return await self._together.ask(steps)

    async def _count_all(self, asked: Sequence[Sequence[Step]]) -> list[list[Tally]]:
        counted = iter(await self._count([step for steps in asked for step in steps]))
        return [list(islice(counted, len(steps))) for steps in asked]

    async def _count(self, steps: Sequence[Step]) -> list[Tally]:
        with translate_errors():
            counted = await self._script(
                keys=[_PREFIX + step.name for step in steps],
                args=[each for step in steps for each in (step.add, step.lives_s, int(step.renews))],
            )
        return [Tally(count, max(0, left_ms) / 1000) for count, left_ms in counted]


@dataclass
class TalliesInMemory:
    """Counted at this node only."""

    clock: Callable[[], float] = time.monotonic
    _held: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    async def count(self, steps: Sequence[Step]) -> list[Tally]:
        """Without waiting."""
        return self.count_now(steps)

    def count_now(self, steps: Sequence[Step]) -> list[Tally]:
        """Without waiting, for those who cannot."""
        return [self._one(step) for step in steps]

    def raise_to(self, step: Step, tally: Tally) -> Tally:
        """Learn what all nodes have counted; whichever is more."""
        own = self._one(Step(step.name, 0, step.lives_s))
        if tally.count <= own.count:
            return own
        self._keep(step.name, tally.count, self.clock() + tally.left_s)
        return tally

    def _one(self, step: Step) -> Tally:
        now = self.clock()
        count, ends_at = self._held.get(step.name, (0, now))
        if ends_at <= now:
            count, ends_at = 0, now
        if step.add:
            ends_at = now + step.lives_s if step.renews or count == 0 else ends_at
            count += step.add
            self._keep(step.name, count, ends_at)
        return Tally(count, ends_at - now)

    def _keep(self, name: str, count: int, ends_at: float) -> None:
        self._held[name] = (count, ends_at)
        self._held.move_to_end(name)
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)


class SharedTallies:
    """Counted in both places at once; the greater count holds, so that neither's loss opens a door."""

    def __init__(self, redis: TalliesInRedis, memory: TalliesInMemory) -> None:
        self._redis = redis
        self._memory = memory
        self._ask_again_at = 0.0

    def known_here(self, steps: Sequence[Step]) -> list[Tally]:
        """What this node knows, without asking Redis."""
        return self._memory.count_now(steps)

    async def count(self, steps: Sequence[Step]) -> list[Tally]:
        """Never fails: without Redis it is this node's count."""
        own = self._memory.count_now(steps)
        shared = await self._shared(steps)
        metrics.TALLIES.labels("memory" if shared is None else "redis").inc(len(steps))
        return own if shared is None else list(starmap(self._memory.raise_to, zip(steps, shared, strict=True)))

    async def _shared(self, steps: Sequence[Step]) -> list[Tally] | None:
        if self._memory.clock() < self._ask_again_at:
            return None
        try:
            shared = await self._redis.count(steps)
        except RedisUnavailable as error:
            if not self._ask_again_at:
                event_logger().warning("limits counted in memory", reason=str(error.__cause__))
            self._ask_again_at = self._memory.clock() + PAUSE_AFTER_FAILURE_S
            return None
        if self._ask_again_at:
            event_logger().info("limits counted in redis again")
        self._ask_again_at = 0.0
        return shared
