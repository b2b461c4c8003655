"""A master that was stopped at any step, and goes on after another has taken over: nothing it does counts."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from element_core import Core, Tree, inline, open_core, tree
from steps import Steps

from artstore_kit.contracts.errors import NoMaster
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.testing.documents import document
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.domain.storage import Fenced
from storage_element.services.drafts import Draft

SEGMENT_BYTES = 2**16


@dataclass
class Stale:
    """The old master, and the files that there are when it is stopped."""

    core: Core
    files: list[FileAttributes]

    async def create(self) -> None:
        """A new file in the journal."""
        await self.core.create(b"from the stale one")

    async def create_in_a_new_segment(self) -> None:
        """A record for which a segment must be made."""
        await self.core.create(os.urandom(SEGMENT_BYTES))

    async def create_staged(self) -> None:
        """A new file that was staged."""
        self.core.files.staged(name := uuid4()).write_bytes(b"staged by the stale one")
        await self.core.commit(Draft(Kind.CREATE_STAGED, document(number=900), staging=name))

    async def change(self) -> None:
        """A new revision."""
        await self.core.commit(Draft(Kind.CHANGE, self.files[0].model_copy(update={"revision": 2, "tags": ["stale"]})))

    async def replace(self) -> None:
        """New content."""
        file = self.files[0]
        fresh = file.model_copy(update={"revision": 2, "content": file.content.model_copy(update={"version": 2})})
        await self.core.commit(Draft(Kind.REPLACE_INLINE, fresh, b"replaced by the stale one"))

    async def remove(self) -> None:
        """The end of a file."""
        await self.core.commit(Draft(Kind.REMOVE, self.files[0].model_copy()))

    async def checkpoint(self) -> None:
        """Which notes how far it came, and drops segments."""
        await self.core.checkpoint.run()


type Operation = Callable[[Stale], Awaitable[None]]
OPERATIONS: list[Operation] = [
    Stale.create,
    Stale.create_in_a_new_segment,
    Stale.create_staged,
    Stale.change,
    Stale.replace,
    Stale.remove,
    Stale.checkpoint,
]


async def stale_at(root: Path, stack: AsyncExitStack) -> Stale:
    core = await stack.enter_async_context(open_core(root, segment_bytes=SEGMENT_BYTES))
    return Stale(core, [await core.create(b"%d" % number, document(number=number)) for number in range(3)])


async def count_steps(root: Path, steps: Steps, operation: Operation) -> int:
    async with AsyncExitStack() as stack:
        stale = await stale_at(root, stack)
        steps.begin()
        await operation(stale)
        return steps.end()


async def goes_on(core: Core, files: list[FileAttributes]) -> None:
    """The new master uses the ids of the old one's files again, changes one, and makes a checkpoint in between."""
    for file in files[:2]:
        if core.files.has(file.file_id):
            await core.commit(Draft(Kind.REMOVE, file.model_copy()))
        await core.create(b"from the new master", file.model_copy())
    await core.checkpoint.run()
    await core.commit(Draft(Kind.CHANGE, files[1].model_copy(update={"revision": 2, "tags": ["new"]})))
    await core.create(b"last")


def on_disk(root: Path) -> Tree:
    """Everything that counts, the journal included."""
    journal = {path.name: path.read_bytes() for path in (root / layout.JOURNAL).iterdir()}
    return tree(root) | journal | {layout.SUPERBLOCK: (root / layout.SUPERBLOCK).read_bytes()}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
async def test_a_stale_master_changes_nothing_whichever_step_it_was_stopped_at(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, operation: Operation
) -> None:
    steps = Steps(monkeypatch)
    count = await count_steps(root / "counted", steps, operation)
    assert count >= 2, steps.taken
    for step in range(count):
        async with AsyncExitStack() as stack:
            await stopped_before(step, root / str(step), stack, steps, operation)


async def stopped_before(step: int, root: Path, stack: AsyncExitStack, steps: Steps, operation: Operation) -> None:
    stale = await stale_at(root, stack)
    steps.begin(hold_at=step)
    attempt = asyncio.ensure_future(operation(stale))
    assert await steps.held()
    async with open_core(root, segment_bytes=SEGMENT_BYTES) as new:
        assert not attempt.done()
        await goes_on(new, stale.files)
        before = on_disk(root)
        steps.go_on()
        (outcome,) = await asyncio.gather(attempt, return_exceptions=True)
        told_of(outcome, operation, steps.taken[step])
        assert on_disk(root) == before, steps.taken[step:]
        await is_refused(stale)
        assert on_disk(root) == before
        files = tree(root)
    async with open_core(root) as later:
        assert later.tree() == files
        assert later.superblocks.current.epoch == 3


def told_of(outcome: BaseException | None, operation: Operation, held: str) -> None:
    """Refused; unless all that was left of a checkpoint was to sync a directory: then it is done, as it is told."""
    if outcome is None:
        assert operation is Stale.checkpoint
        assert held in {"open", "fsync"}
    else:
        assert isinstance(outcome, NoMaster), (held, outcome)


async def is_refused(stale: Stale) -> None:
    """Whatever comes next, also when nothing has told it yet that it is fenced."""
    with pytest.raises(NoMaster):
        await stale.core.create(b"too late")
    with pytest.raises(NoMaster):
        await stale.core.checkpoint.run()


async def test_a_stale_master_that_was_idle_is_refused_at_its_next_commit(root: Path) -> None:
    async with open_core(root) as old, open_core(root) as new:
        file = await new.create(b"new")
        with pytest.raises(NoMaster) as refused:
            await old.create(b"old")
        assert refused.value.headers == {"Retry-After": "1"}
        assert old.committed == []
        assert set(new.tree().values()) == {b"new", file.to_json()}
    async with open_core(root) as later:
        assert set(later.tree().values()) == {b"new", file.to_json()}


async def test_a_recovery_that_was_stopped_at_any_step_gives_way(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node that takes over from one that was taking over finds all that was acknowledged."""
    steps = Steps(monkeypatch)
    await a_history(root / "counted")
    steps.begin()
    async with open_core(root / "counted"):
        count = steps.end()
    for step in range(count):
        before = await a_history(root / str(step))
        async with AsyncExitStack() as stack:
            await recovery_stopped_before(step, root / str(step), stack, steps, before)


async def recovery_stopped_before(step: int, root: Path, stack: AsyncExitStack, steps: Steps, before: Tree) -> None:
    steps.begin(hold_at=step)
    attempt = asyncio.ensure_future(stack.enter_async_context(open_core(root)))
    assert await steps.held()
    async with open_core(root) as new:
        assert new.tree() == before
        await new.create(b"new")
        shown = on_disk(root)
        steps.go_on()
        (outcome,) = await asyncio.gather(attempt, return_exceptions=True)
        assert on_disk(root) == shown, (step, steps.taken[step:])
        assert isinstance(outcome, Fenced), (step, steps.taken[step:], outcome)


async def a_history(root: Path) -> Tree:
    async with open_core(root, segment_bytes=SEGMENT_BYTES) as core:
        small = await core.create(b"small", document(number=1))
        core.files.staged(name := uuid4()).write_bytes(b"large")
        await core.commit(Draft(Kind.CREATE_STAGED, document(number=2), staging=name))
        gone = await core.create(b"gone", document(number=3))
        await core.commit(Draft(Kind.CHANGE, small.model_copy(update={"revision": 2})))
        await core.commit(Draft(Kind.REMOVE, gone))
        await core.create(os.urandom(SEGMENT_BYTES), document(number=4))
        return core.tree()


def write_again(path: Path, fd: int) -> None:
    path.write_bytes(Path(f"/proc/self/fd/{fd}").read_bytes())


async def test_records_behind_a_newer_checkpoint_do_not_count(root: Path) -> None:
    """The old master appended after the new one's survey, and the new one died before it had dropped the segment."""
    async with open_core(root) as old:
        file = await old.create(b"acknowledged")
        (segment,) = old.journal.segments()
        async with open_core(root) as new:
            await new.checkpoint.run()
            with pytest.raises(NoMaster):
                await old.create(b"never acknowledged")
            for path in new.journal.segments():
                path.unlink()
        assert old.journal._active is not None
        write_again(segment, old.journal._active._fd)
    async with open_core(root) as later:
        assert set(later.tree().values()) == {b"acknowledged", file.to_json()}
        assert [entry.lsn for entry in later.replayed] == [1]
        assert (await later.create()).element.lsn == 2


async def test_a_batch_that_waits_is_refused_with_the_one_that_was_fenced(root: Path) -> None:
    async with open_core(root) as old, open_core(root):
        drafts = [inline() for _ in range(600)]
        for draft in drafts:
            old.committer.submit(draft)
        outcomes = await asyncio.gather(*(draft.done for draft in drafts), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {NoMaster}
        assert old.committed == []
