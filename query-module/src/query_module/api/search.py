"""Searching and listing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from artstore_kit.application import needs, services_of
from artstore_kit.contracts.files import FileAttributes, SearchHit
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.paging import Page
from artstore_kit.principal import Principal
from query_module.api.answers import file_page, hit_page
from query_module.api.parameters import ListParameters, SearchParameters
from query_module.domain.criteria import Criteria, Order
from query_module.factory import Services

router = APIRouter(tags=["search"])
Wired = Annotated[Services, Depends(services_of(Services))]
Reading = Annotated[Principal, needs(Scope.FILES_READ)]


@router.get("/search", response_model=Page[SearchHit])
async def search(who: Reading, services: Wired, asked: Annotated[SearchParameters, Query()]) -> Response:
    """Files by words and by what is known of them, those that the caller may read.

    `q` holds words in any form, Russian or English: all are wanted; `"a phrase"`, `-without`, `this or that`, `begin*`.
    Words are looked for in the name, tags, description and metadata. By relevance, the newest 1,000 matches are ranked.
    """
    page = await services.search.page(
        who, asked.criteria(), order=asked.order(), limit=asked.limit, cursor=asked.cursor
    )
    return Response(hit_page(page), media_type="application/json")


@router.get("/files", response_model=Page[FileAttributes])
async def list_all(who: Reading, services: Wired, asked: Annotated[ListParameters, Query()]) -> Response:
    """All files that the caller may read, newest first."""
    page = await services.search.page(who, Criteria(), order=Order.NEWEST, limit=asked.limit, cursor=asked.cursor)
    return Response(file_page(page), media_type="application/json")
