"""The settings of the ingester."""

from pydantic import BaseModel, Field

from artstore_kit.settings import MemberSettings, RedisSettings


class PlacementSettings(BaseModel):
    """Where new files go."""

    site: str = Field("default", pattern="^[a-z0-9-]{1,32}$", description="site whose elements are tried first")


class UploadsSettings(BaseModel):
    """What is taken in."""

    max_size_bytes: int = Field(64 * 2**30, ge=0, description="largest file that is accepted")
    refused_media_types: str = Field(
        "", description="media types that are refused, parted by commas, such as `application/x-msdownload,video/*`"
    )

    @property
    def refused_patterns(self) -> tuple[str, ...]:
        """Each pattern in lower case."""
        listed = (pattern.strip().lower() for pattern in self.refused_media_types.split(","))
        return tuple(pattern for pattern in listed if pattern)


class PublicSettings(BaseModel):
    """What clients are told."""

    query_url: str = Field(
        "", pattern="^(https?://.*)?$", description="address of the query module for clients, in `Location`"
    )


class Settings(MemberSettings):
    """All settings of the ingester."""

    redis: RedisSettings
    placement: PlacementSettings = PlacementSettings()
    uploads: UploadsSettings = UploadsSettings()
    public: PublicSettings = PublicSettings()
