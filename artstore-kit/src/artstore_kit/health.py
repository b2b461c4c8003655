"""Liveness and readiness from named checks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi import APIRouter, Response
from pydantic import BaseModel

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.rights import PUBLIC

CHECK_DEADLINE_S = 3.0


class Health(StrEnum):
    """`degraded` still serves; `fail` should get no traffic."""

    OK = "ok"
    DEGRADED = "degraded"
    FAIL = "fail"


class CheckResult(BaseModel):
    """What one check found."""

    health: Health = Health.OK
    detail: str = ""


class Readiness(BaseModel):
    """The worst of all checks, and each by name."""

    health: Health
    checks: dict[str, CheckResult]


@dataclass(frozen=True)
class Check:
    """A named question. When `call` raises or is late, the answer is `when_failing`."""

    name: str
    call: Callable[[], Awaitable[CheckResult | None]]
    when_failing: Health = Health.FAIL

    async def run(self) -> CheckResult:
        """The answer within `CHECK_DEADLINE_S`."""
        try:
            async with asyncio.timeout(CHECK_DEADLINE_S):
                return await self.call() or CheckResult()
        except TimeoutError:
            return CheckResult(health=self.when_failing, detail=f"no answer within {CHECK_DEADLINE_S} s")
        except ArtStoreError as error:
            return CheckResult(health=self.when_failing, detail=error.detail)


async def readiness(checks: Sequence[Check]) -> Readiness:
    """All checks, asked side by side."""
    results = await asyncio.gather(*(check.run() for check in checks))
    order = [Health.OK, Health.DEGRADED, Health.FAIL]
    worst = max((result.health for result in results), key=order.index, default=Health.OK)
    return Readiness(health=worst, checks={check.name: result for check, result in zip(checks, results, strict=True)})


def health_router(checks: Callable[[], Sequence[Check]]) -> APIRouter:
    """`/health/live`: the process answers. `/health/ready`: 200 for ok and degraded, 503 for fail."""
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", openapi_extra=PUBLIC)
    async def live() -> CheckResult:
        return CheckResult()

    @router.get("/ready", openapi_extra=PUBLIC)
    async def ready(response: Response) -> Readiness:
        answer = await readiness(checks())
        response.status_code = 503 if answer.health is Health.FAIL else 200
        return answer

    return router
