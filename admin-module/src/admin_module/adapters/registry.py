"""The registry in Redis: which elements are alive. It is a hint, so that a Redis that fails fails nobody else."""

from collections.abc import Sequence
from datetime import datetime

from admin_module import metrics
from artstore_kit.contracts.elements import REGISTRY_INDEX_KEY, REGISTRY_KEY_PREFIX, REGISTRY_TTL_S, ElementView
from artstore_kit.contracts.errors import RedisUnavailable
from artstore_kit.logs import event_logger
from artstore_kit.redis import RedisClient, translate_errors


class Registry:
    """Shows elements to all services until they have been silent for `REGISTRY_TTL_S`."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._failing = False

    async def publish(self, element: ElementView) -> None:
        """Show an element that was heard just now."""
        await self._try_to_write([(element, REGISTRY_TTL_S * 1000)])

    async def publish_again(self, elements: Sequence[ElementView], now: datetime) -> None:
        """Show elements that were heard earlier, for as long as their last report is good for."""
        await self._try_to_write([(element, left) for element in elements if (left := _left_ms(element, now)) > 0])

    async def withdraw(self, element_id: str) -> None:
        """Show it no longer; when Redis fails it is shown until its last report is over."""
        try:
            with translate_errors():
                pipeline = self._redis.pipeline(transaction=False)
                pipeline.delete(REGISTRY_KEY_PREFIX + element_id)
                pipeline.srem(REGISTRY_INDEX_KEY, element_id)
                await pipeline.execute()
        except RedisUnavailable as error:
            metrics.REGISTRY_WRITES.labels("failed").inc()
            event_logger().warning("element not withdrawn", element=element_id, reason=str(error.__cause__))

    async def _try_to_write(self, entries: Sequence[tuple[ElementView, int]]) -> None:
        try:
            await self._write(entries)
        except RedisUnavailable as error:
            metrics.REGISTRY_WRITES.labels("failed").inc()
            if not self._failing:
                event_logger().warning("registry not published", reason=str(error.__cause__))
            self._failing = True
        else:
            metrics.REGISTRY_WRITES.labels("ok").inc()
            if self._failing:
                event_logger().info("registry published again")
            self._failing = False

    async def _write(self, entries: Sequence[tuple[ElementView, int]]) -> None:
        if not entries:
            return
        with translate_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for element, lives_ms in entries:
                pipeline.set(REGISTRY_KEY_PREFIX + element.element_id, element.model_dump_json(), px=lives_ms)
            pipeline.sadd(REGISTRY_INDEX_KEY, *(element.element_id for element, _ in entries))
            await pipeline.execute()


def _left_ms(element: ElementView, now: datetime) -> int:
    if element.reported_at is None:
        return 0
    return round(1000 * (REGISTRY_TTL_S - (now - element.reported_at).total_seconds()))
