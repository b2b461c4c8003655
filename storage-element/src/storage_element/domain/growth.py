"""How fast an element fills: what it took lately, and what it takes in the long run; the larger one counts."""

from pydantic import BaseModel, ConfigDict

FAST_HALF_LIFE_S = 900.0
SLOW_HALF_LIFE_S = 86_400.0


class Growth(BaseModel):
    """notes/capacity.json: two averages of bytes a second that forget half of what they knew in their half-life."""

    model_config = ConfigDict(extra="allow")

    version: int = 1
    fast_bytes_per_s: float = 0.0
    slow_bytes_per_s: float = 0.0

    @property
    def bytes_per_s(self) -> float:
        """The larger average; never less than nothing."""
        return max(self.fast_bytes_per_s, self.slow_bytes_per_s, 0.0)

    def after(self, grown_bytes: int, passed_s: float) -> "Growth":
        """The averages after it has grown (or shrunk) by so much in so many seconds."""
        if passed_s <= 0:
            return self
        now = grown_bytes / passed_s
        return self.model_copy(
            update={
                "fast_bytes_per_s": _mixed(self.fast_bytes_per_s, now, passed_s / FAST_HALF_LIFE_S),
                "slow_bytes_per_s": _mixed(self.slow_bytes_per_s, now, passed_s / SLOW_HALF_LIFE_S),
            }
        )


def _mixed(before: float, now: float, half_lives: float) -> float:
    kept: float = 0.5**half_lives
    return before * kept + now * (1 - kept)
