"""A word through Redis that something was revoked. A Redis that is away costs a few seconds, no more."""

from admin_module import metrics
from artstore_kit.contracts.errors import RedisUnavailable
from artstore_kit.contracts.revocations import REVOCATIONS_CHANNEL
from artstore_kit.redis import RedisClient, translate_errors


class WakeUp:
    """Wakes all services that listen."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def say(self) -> None:
        """Once; nobody relies on it."""
        try:
            with translate_errors():
                await self._redis.publish(REVOCATIONS_CHANNEL, "revoked")
        except RedisUnavailable:
            metrics.WAKE_UPS.labels("failed").inc()
        else:
            metrics.WAKE_UPS.labels("ok").inc()
