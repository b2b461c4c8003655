"""`Idempotency-Key` of requests that make something: sent again, they get the same answer and make nothing more."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from admin_module.domain.repeats import Repeatable
from artstore_kit.contracts.idempotency import IDEMPOTENCY_KEY_HEADER, REPLAYED_HEADER, checked_key

_MEANS = "1 to 255 visible ASCII characters; within 24 hours the same request gets the same answer"


async def _asked(
    request: Request,
    response: Response,
    key: Annotated[str | None, Header(alias=IDEMPOTENCY_KEY_HEADER, description=_MEANS)] = None,
) -> Repeatable | None:
    if checked_key(key) is None:
        return None
    return Repeatable(
        key=str(key),
        operation=f"{request.method} {request.url.path}",
        body_sha256=hashlib.sha256(await request.body()).hexdigest(),
        replayed=lambda: response.headers.update({REPLAYED_HEADER: "true"}),
    )


Asked = Annotated[Repeatable | None, Depends(_asked)]
