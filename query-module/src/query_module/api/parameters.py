"""What a search can be asked, checked before anything is looked for."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.errors import FieldProblem, InvalidFields
from artstore_kit.contracts.files import PlainText, Tag
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT
from query_module.domain.criteria import Criteria, Order
from query_module.domain.question import LONGEST_QUESTION, to_tsquery

LARGEST = 2**63 - 1


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment is outside the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Size = Annotated[int, Field(ge=0, le=LARGEST)]


class ListParameters(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="at most so many items")
    cursor: str | None = Field(None, max_length=1000, description="`next_cursor` of the page before, as it is")


class SearchParameters(ListParameters):
    """What is searched for."""

    q: str | None = Field(
        None, max_length=LONGEST_QUESTION, description='words, "a phrase", -without, this or that, begin*'
    )
    collection: str | None = Field(
        None, pattern=r"^[\w./*-]{1,128}$", description="name of a collection, or a pattern such as `hr/*`"
    )
    tag: list[Tag] = Field([], max_length=16, description="each of these tags")
    media_type: str | None = Field(
        None, max_length=127, pattern=r"^[\w!#$&^.+*/-]+$", description="`application/pdf`, or a pattern: `image/*`"
    )
    size_min: Size | None = Field(None, description="bytes, at least")
    size_max: Size | None = Field(None, description="bytes, at most")
    uploaded_after: Moment | None = Field(None, description="RFC 3339, not included")
    uploaded_before: Moment | None = Field(None, description="RFC 3339, not included")
    uploaded_by: PlainText | None = Field(None, max_length=256, description="who uploaded it")
    sort: Order | None = Field(None, description="relevance is the default with `q`, newest without")

    def order(self) -> Order:
        """The order that was asked for, or the usual one."""
        if self.sort is Order.RELEVANCE and not self._has_words():
            message = "Relevance is that of the words in q; without q, sort by newest."
            raise InvalidFields(message, errors=[FieldProblem(field="query.sort", message=message)])
        return self.sort or (Order.RELEVANCE if self._has_words() else Order.NEWEST)

    def criteria(self) -> Criteria:
        """What was asked for, as the search takes it."""
        return Criteria(
            tsquery=to_tsquery(self.q or "") if self._has_words() else None,
            collection=self.collection,
            tags=tuple(self.tag),
            media_type=self.media_type and self.media_type.lower(),
            size_min=self.size_min,
            size_max=self.size_max,
            uploaded_after=self.uploaded_after,
            uploaded_before=self.uploaded_before,
            uploaded_by=self.uploaded_by,
        )

    def _has_words(self) -> bool:
        """A field left blank is no question."""
        return bool(self.q and self.q.strip())
