"""Whether the wall clock can be believed: it must not have moved by more than the time that has passed."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Instant(BaseModel):
    """What the clocks of one machine showed at one moment; the uptime counts suspended time too."""

    wall: AwareDatetime
    uptime_s: float
    boot_id: str


class ClockNote(BaseModel):
    """notes/clock.json: when the clock was believed last, and why it is not now."""

    model_config = ConfigDict(extra="allow")

    version: Literal[1] = 1
    trusted: Instant
    doubt: str = Field("", description="empty while the clock is believed")


def doubt(trusted: Instant, now: Instant, tolerance_s: float, longest_stop_s: float) -> str:
    """Why `now` cannot be believed after `trusted`; empty when it can.

    Within one boot the wall clock may differ from the uptime by `tolerance_s`. From one boot, or machine, to the next
    nobody knows how long the stop was: the clock may not have gone back, nor on by more than `longest_stop_s` beside
    the uptime.
    """
    moved_s = (now.wall - trusted.wall).total_seconds()
    if now.boot_id == trusted.boot_id:
        passed_s = now.uptime_s - trusted.uptime_s
        if abs(moved_s - passed_s) <= tolerance_s:
            return ""
        return f"the clock moved by {moved_s:.0f} s while {passed_s:.0f} s passed"
    if moved_s < -tolerance_s:
        return f"the clock went back by {-moved_s:.0f} s over a restart of the machine"
    if moved_s > now.uptime_s + longest_stop_s + tolerance_s:
        return (
            f"the clock went on by {moved_s:.0f} s over a restart of the machine, which is up for {now.uptime_s:.0f} s"
        )
    return ""
