"""The connection to the store: everything from settings, nothing from the machine's own AWS configuration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aioboto3 import Session
from botocore.config import Config

from storage_element.config import S3Settings

CONNECTIONS = 64


@asynccontextmanager
async def open_client(settings: S3Settings) -> AsyncIterator[Any]:
    """An aiobotocore client that makes each request once: `Attempts` decides what is asked again."""
    secret = settings.secret_access_key
    client = Session().client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            max_pool_connections=CONNECTIONS,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": settings.addressing},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
            proxies={},
        ),
    )
    async with client as opened:
        yield opened
