"""Modes, holds and retention against a model of DESIGN section 6, by whatever a state machine comes up with."""

import json
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from element_core import ASKER, TESTER
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.files import AttributeChanges, Retention, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.exchange import Body
from storage_element.domain import layout
from storage_element.services.write import Replacement, Upload
from tests.durability.bed import BEGINNING_MS, HELD, Bed, approved, open_bed
from tests.durability.ledger import Ledger
from tests.durability.part import Order, Outcome, say
from tests.durability.seeded_loop import SeededLoop
from tests.durability.shelf import place
from tests.durability.verdict import LOST, Wrong

NORMAL_RUNS, LONG_RUNS, STEPS = 200, 5_000, 40
TODAY = datetime.now(UTC)
DAYS = {"never": None, "past": -1, "soon": 1, "later": 2}
MOMENTS = st.sampled_from(list(DAYS))
KINDS = st.sampled_from(["temporary", "permanent"])
ALLOWED = {"create": "edit rw", "change": "edit rw", "rename": "edit", "replace": "edit", "remove": "edit"}


@dataclass(frozen=True)
class Known:
    """A file in the model."""

    held: bool
    kind: str
    expires: str
    retained: str
    revision: int = 1

    @property
    def is_retained(self) -> bool:
        """Whether its retention keeps it now."""
        return self.retained in {"soon", "later"}


def at(moment: str) -> datetime | None:
    """When that is."""
    days = DAYS[moment]
    return None if days is None else TODAY + timedelta(days=days)


def order_of(moment: str, never: float) -> float:
    """Moments can be compared; what `never` means depends on what it is about."""
    days = DAYS[moment]
    return never if days is None else days


there_is_one = precondition(lambda self: bool(self.known))
"""Steps that have nothing to work on would be most of all steps."""


class Rules(RuleBasedStateMachine):
    """One element; the mode is changed in its superblock, as a mode change leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = place()
        self.root = self.directory.__enter__() / "e"
        self.loop = SeededLoop(1, 0)
        self.stack = AsyncExitStack()
        self.mode = "edit"
        self.known: dict[Any, Known] = {}
        self.bed: Bed

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.bed = self.run(self.stack.enter_async_context(open_bed(self.root, Ledger())))

    @there_is_one
    @rule(mode=st.sampled_from(["edit", "rw", "ro", "ar"]))
    def restart_in(self, mode: str) -> None:
        self.run(self.stack.aclose())
        path = self.root / layout.SUPERBLOCK
        path.write_text(json.dumps(json.loads(path.read_text()) | {"mode": mode}))
        self.mode = mode
        self.begin()
        assert self.bed.core.storage.superblocks.current.mode is Mode(mode)

    @rule(held=st.booleans(), kind=KINDS, expires=MOMENTS, retained=MOMENTS)
    def create(self, held: bool, kind: str, expires: str, retained: str) -> None:
        file_id = new_file_id(BEGINNING_MS)
        retention = retention_of(kind, expires, retained)
        given = UploadAttributes(name="x", holds=HELD if held else [], retention=retention)
        if self.answer("create", self.bed.writer.create(Upload(file_id, given, "tester", TESTER), Body.of(b"x")), True):
            self.known[file_id] = Known(held, kind, expires, retained)

    @there_is_one
    @rule(data=st.data(), rename=st.booleans())
    def change(self, data: st.DataObject, rename: bool) -> None:
        file_id, known = self.any(data)
        changes = AttributeChanges(name="y") if rename else AttributeChanges(description="changed")
        work = self.bed.writer.change(file_id, changes, None, ASKER)
        if self.answer("rename" if rename else "change", work, not known.held):
            self.known[file_id] = replace(known, revision=known.revision + 1)

    @there_is_one
    @rule(data=st.data(), placed=st.booleans())
    def hold(self, data: st.DataObject, placed: bool) -> None:
        file_id, known = self.any(data)
        (hold,) = HELD
        holds = self.bed.holds
        work = (
            holds.place(file_id, hold, None, ASKER)
            if placed
            else holds.release(file_id, hold.id, None, ASKER, approved)
        )
        if self.answer("change", work, True):
            self.known[file_id] = replace(known, held=placed, revision=known.revision + (known.held != placed))

    @there_is_one
    @rule(data=st.data(), kind=KINDS, expires=MOMENTS, retained=MOMENTS)
    def retain(self, data: st.DataObject, kind: str, expires: str, retained: str) -> None:
        file_id, known = self.any(data)
        changes = AttributeChanges(retention=retention_of(kind, expires, retained))
        shorter = order_of(retained, -9) < order_of(known.retained, -9)
        shorter |= (known.kind, kind) == ("permanent", "temporary")
        sooner = order_of(expires, 9) < order_of(known.expires, 9)
        shorter |= sooner and (known.kind == "permanent" or self.mode != "edit")
        if self.answer("change", self.bed.writer.change(file_id, changes, None, ASKER), not known.held and not shorter):
            self.known[file_id] = Known(known.held, kind, expires, retained, known.revision + 1)

    @there_is_one
    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        file_id, known = self.any(data)
        work = self.bed.writer.replace(Replacement(file_id, AttributeChanges(), ASKER), Body.of(b"other"))
        if self.answer("replace", work, not known.held and not known.is_retained):
            self.known[file_id] = replace(known, revision=known.revision + 1)

    @there_is_one
    @rule(data=st.data(), how=st.sampled_from(["asked for", "expired", "approved"]))
    def remove(self, data: st.DataObject, how: str) -> None:
        file_id, known = self.any(data)
        may = not known.held and (how == "approved" or not known.is_retained)
        if how == "expired":
            may &= known.kind == "temporary" and known.expires == "past"
            work = self.bed.writer.expire(file_id, datetime.now(UTC))
        else:
            work = self.bed.writer.remove(file_id, None, ASKER, approved if how == "approved" else None)
        if self.answer("remove", work, may):
            del self.known[file_id]

    @there_is_one
    @rule()
    def checkpoint(self) -> None:
        self.run(self.bed.checkpoint())

    def teardown(self) -> None:
        """Every file of the model is there, in its revision, and no other one."""
        if hasattr(self, "bed"):
            found = {each.stem.split(".")[0]: json.loads(each.read_text()) for each in self.root.rglob("*.attr.json")}
            self.run(self.stack.aclose())
            assert {name: file["revision"] for name, file in found.items()} == {
                str(file_id): known.revision for file_id, known in self.known.items()
            }
        self.loop.close()
        self.directory.__exit__(None, None, None)

    def any(self, data: st.DataObject) -> tuple[Any, Known]:
        """One of the files."""
        file_id = data.draw(st.sampled_from(list(self.known)))
        return file_id, self.known[file_id]

    def answer(self, what: str, work: Awaitable[object], may: bool) -> bool:
        """Whether it was done; it must be exactly when the model allows it."""
        may &= self.mode in ALLOWED[what].split()
        refused = ""
        try:
            self.run(work)
        except ArtStoreError as error:
            refused = repr(error)
        assert may == (not refused), f"{what} in mode {self.mode}: {refused or 'was done'}"
        return may


def retention_of(kind: str, expires: str, retained: str) -> Retention:
    """As a sender says it."""
    fields = {"kind": kind, "expires_at": at(expires), "retain_until": at(retained)}
    return Retention.model_validate({name: value for name, value in fields.items() if value is not None})


def run(order: Order) -> Outcome:
    """So many runs of the state machine."""
    outcome = Outcome()
    runs = LONG_RUNS if order.long else NORMAL_RUNS
    chosen = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(order.seed)(Rules), settings=chosen)
    except AssertionError as error:
        outcome.found("rules", [Wrong(LOST, f"{error} {' '.join(getattr(error, '__notes__', []))}")])
    outcome.counts["histories"] += runs
    say(f"histories of rules: {runs}")
    return outcome
