"""The lease of an element's master in Redis: it makes an election quick, and nothing depends on it."""

from uuid import uuid4

from artstore_kit.redis import RedisClient, translate_errors

_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Lease:
    """Held by one node at a time, as far as Redis knows. `RedisUnavailable` from everything."""

    def __init__(self, redis: RedisClient, element_id: str, lease_s: float) -> None:
        self._redis = redis
        self._key = f"{{artstore}}:master:{element_id}"
        self._token = uuid4().hex
        self._lease_ms = int(lease_s * 1000)

    async def hold(self) -> bool:
        """Take it, or go on holding it; False when another node has it."""
        with translate_errors():
            return bool(await self._redis.eval(_RENEW, 1, self._key, self._token, str(self._lease_ms)))

    async def release(self) -> None:
        """Let another node have it at once."""
        with translate_errors():
            await self._redis.eval(_RELEASE, 1, self._key, self._token)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
