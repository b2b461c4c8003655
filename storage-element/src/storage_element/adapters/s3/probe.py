"""Finds out at start whether the store keeps to the conditions that everything here rests on."""

from uuid import uuid4

from artstore_kit.logs import event_logger
from artstore_kit.start import StartRefused
from storage_element.adapters.s3.attempts import NotOffered, Taken
from storage_element.adapters.s3.bucket import Bucket
from storage_element.domain import layout

ANOTHER = f'"{"0" * 32}"'
"""The ETag of nothing."""


async def probe(bucket: Bucket) -> None:
    """`StartRefused` when the store replaces objects against the condition; a removal against it is only told."""
    key = f"{layout.STAGING}/probe-{uuid4().hex}"
    try:
        await bucket.put(key, b"first")
        await _must_refuse(bucket, key, "", "If-None-Match")
        await _must_refuse(bucket, key, ANOTHER, "If-Match")
        bucket.removes_on_condition = await _removes_on_condition(bucket, key)
    except NotOffered as error:
        raise StartRefused(f"the store offers no conditional writes: {error}") from None
    finally:
        await bucket.remove_many([key])
    if not bucket.removes_on_condition:
        event_logger().warning("the store ignores If-Match when it removes objects")


async def _must_refuse(bucket: Bucket, key: str, replacing: str, condition: str) -> None:
    try:
        await bucket.put(key, b"second", replacing)
    except Taken:
        return
    raise StartRefused(f"the store does not keep to {condition}: what it has acknowledged could be overwritten")


async def _removes_on_condition(bucket: Bucket, key: str) -> bool:
    try:
        await bucket.remove(key, ANOTHER)
    except Taken:
        return True
    except NotOffered:
        return False
    return False
