"""Requests with an `Idempotency-Key` in Redis: a record for a day, and a lease on it while the request is under way."""

from dataclasses import dataclass
from uuid import uuid4

from pydantic import ValidationError

from artstore_kit.contracts.errors import IdempotencyUnavailable, RedisUnavailable
from artstore_kit.redis import RedisClient, translate_errors
from ingester_module.domain.idempotency import Record

RECORD_S = 24 * 3600
LEASE_MS = 15_000

_CLAIM = """
local known = redis.call('GET', KEYS[1])
local mine = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
if mine and not known then redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4]) end
return {known or '', mine and 1 or 0}
"""
_RENEW = """
if redis.call('GET', KEYS[2]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return 0
"""
_WRITE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_FINISH = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return redis.call('DEL', KEYS[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] == 'forget' then redis.call('DEL', KEYS[1]) end
return redis.call('DEL', KEYS[2])
"""


class Lease:
    """The right to carry a request out. Every step but `renew` fails softly when it was lost."""

    def __init__(self, redis: RedisClient, keys: list[str], owner: str) -> None:
        self._redis = redis
        self._keys = keys
        self._owner = owner

    async def renew(self) -> None:
        """Keep it for `LEASE_MS` from now."""
        await self._run(_RENEW, LEASE_MS)

    async def write(self, record: Record) -> bool:
        """Replace the record; False when the lease was lost."""
        return await self._run(_WRITE, _document(record), RECORD_S)

    async def finish(self, record: Record) -> bool:
        """Replace the record for the last time, and give the lease back; False when it was lost."""
        return await self._run(_FINISH, _document(record), RECORD_S)

    async def release(self, *, forget: bool) -> bool:
        """Give the lease back; with `forget` the request was never made. False when the lease was lost."""
        return await self._run(_RELEASE, "forget" if forget else "keep")

    async def _run(self, script: str, *arguments: str | int) -> bool:
        with translate_errors():
            return bool(await self._redis.register_script(script)(self._keys, [self._owner, *arguments]))


@dataclass(frozen=True)
class Claim:
    """What was found: the record that an earlier request left, and the lease unless another holds it."""

    known: Record | None
    lease: Lease | None


class IdempotencyRecords:
    """Each script touches two keys of one slot, so that Cluster can serve them."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._claim = redis.register_script(_CLAIM)

    async def claim(self, name: str, proposal: Record) -> Claim:
        """Take the lease and, when nothing is known of the request, leave `proposal`: one step for all the world."""
        keys, owner = _keys(name), uuid4().hex
        try:
            with translate_errors():
                known, mine = await self._claim(keys, [owner, LEASE_MS, _document(proposal), RECORD_S])
            record = Record.model_validate_json(known) if known else None
        except (RedisUnavailable, ValidationError):
            raise IdempotencyUnavailable(headers={"Retry-After": "1"}) from None
        return Claim(record, Lease(self._redis, keys, owner) if mine else None)


def _document(record: Record) -> str:
    return record.model_dump_json(exclude_none=True)


def _keys(name: str) -> list[str]:
    record = f"artstore:idempotency:{{{name}}}"
    return [record, f"{record}:lease"]
