"""The settings of the query module."""

from pydantic import BaseModel, Field

from artstore_kit.settings import MemberSettings, PostgresSettings, RedisSettings


class ElementsSettings(BaseModel):
    """How storage elements are asked."""

    deadline_s: float = Field(3.0, gt=0, description="seconds within which an element says whether it has a file")
    remembered_s: float = Field(5.0, ge=0, description="seconds for which a file's element and collection are kept")


class Settings(MemberSettings):
    """All settings of the query module."""

    postgres: PostgresSettings
    redis: RedisSettings
    elements: ElementsSettings = ElementsSettings()
