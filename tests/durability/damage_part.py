"""Changes what lies on the disk behind the element's back: that must be detected, contained and told, never served."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.errors import ArtStoreError, ContentCorrupt
from storage_element.domain import layout
from storage_element.domain.storage import JournalDamaged
from storage_element.services.inspect import inspect
from tests.durability.bed import Bed, open_bed
from tests.durability.harm import (
    OF_ATTRIBUTES,
    OF_CONTENT,
    Harm,
    Tree,
    as_another_user,
    copy_from,
    damaged_journals,
    disown,
    double,
    swap_with,
)
from tests.durability.ledger import Ledger
from tests.durability.operations import Before
from tests.durability.part import Order, Outcome, say
from tests.durability.recording import Base, base
from tests.durability.seeded_loop import run_seeded
from tests.durability.shelf import laid_out, read_tree
from tests.durability.verdict import LOST, Wrong

BYSTANDERS = ("retained", "late")


@dataclass(frozen=True)
class Case:
    """Harm to `path`, which concerns `file`."""

    name: str
    file: str
    path: str
    harm: Harm


def run(order: Order) -> Outcome:
    """Documents, then the journal."""
    outcome = Outcome()
    settled = _settled(base(Before.KILLED, order.seed), order.seed)
    for case in _cases(settled):
        outcome.counts["damage"] += 1
        outcome.found(f"damage/{case.name}", _document(case, settled, order.seed))
    for case_of_journal in damaged_journals(base(Before.CUT_OFF, order.seed).tree):
        outcome.counts["damage"] += 1
        outcome.found(
            f"damage/{case_of_journal.name}", _journal(case_of_journal.tree, case_of_journal.told, order.seed)
        )
    say(f"damage: {outcome.counts['damage']}")
    return outcome


def _settled(start: Base, seed: int) -> Base:
    """Everything is in place, and nothing in the journal."""

    async def work(root: Path) -> None:
        async with open_bed(root, Ledger()):
            pass

    with laid_out(start.tree) as root:
        run_seeded(seed, lambda: work(root))
        return Base(read_tree(root), start.events, start.files)


def _cases(start: Base) -> Iterator[Case]:
    content = {name: layout.content_path(file_id, 1) for name, file_id in start.files.items()}
    attributes = {name: layout.attributes_path(file_id) for name, file_id in start.files.items()}
    for file, other in (("changed", "large"), ("large", "held")):
        for harm in (*OF_CONTENT, swap_with(content[other])):
            yield Case(f"content of {file}: {harm.__name__}", file, content[file], harm)
        for harm in (*OF_ATTRIBUTES, copy_from(attributes[other])):
            yield Case(f"attributes of {file}: {harm.__name__}", file, attributes[file], harm)
    yield Case("two attributes for one id", "", attributes["changed"], double)


def _document(case: Case, start: Base, seed: int) -> list[Wrong]:
    tree = dict(start.tree)
    case.harm(tree, case.path)
    with laid_out(tree) as root:
        with as_another_user(root, case.path) if case.harm is disown else nullcontext():
            found = inspect(root, hashing=True, progress=lambda _: None)
            wrong = [Wrong(LOST, "the command finds it sound")] if found.is_sound else []
            if not any(Path(case.path).name in each.path for each in found.findings):
                wrong.append(Wrong(LOST, f"the command does not name it: {found.findings}"))
            wrong += run_seeded(seed, lambda: _live_with_it(case, root, start.files))
        if case.path in tree and tree[case.path] not in read_tree(root).values():
            wrong.append(Wrong(LOST, "what was damaged is gone, and nobody can look at it"))
        return wrong


async def _live_with_it(case: Case, root: Path, files: Mapping[str, UUID]) -> list[Wrong]:
    """The damaged file is refused, now and after the next start; others are served."""
    wrong: list[Wrong] = []
    for _ in range(2):
        async with open_bed(root, Ledger(), dict(files)) as bed:
            if case.file:
                await bed.verify(case.file)
                wrong += await _served(case, bed)
            for name in BYSTANDERS:
                await bed.read(name)
    return wrong


async def _served(case: Case, bed: Bed) -> list[Wrong]:
    try:
        await bed.read(case.file)
    except ContentCorrupt:
        return []
    except ArtStoreError as error:
        return [Wrong(LOST, f"answered with {error.code}")]
    return [Wrong(LOST, "it was served")]


def _journal(tree: Tree, told: str, seed: int) -> list[Wrong]:
    """`told` is what the refusal says; empty when the element must start."""

    async def work(root: Path) -> str:
        try:
            async with open_bed(root, Ledger()):
                return ""
        except JournalDamaged as error:
            return str(error)

    with laid_out(tree) as root:
        said = run_seeded(seed, lambda: work(root))
        after = read_tree(root)
    if (told in said) if told else not said:
        return _untouched(tree, after, told)
    return [Wrong(LOST, f"said {said!r}, and should have said {told!r}")]


def _untouched(before: Tree, after: Mapping[str, bytes | None], told: str) -> list[Wrong]:
    """Who refuses to start for what is damaged has changed nothing; what is missing holds up nothing else."""
    if not told or "missing" in told:
        return []
    kept = (f"{layout.FILES}/", f"{layout.JOURNAL}/")
    changed = [each for each in before if each.startswith(kept) and before[each] != after.get(each)]
    return [Wrong(LOST, f"refused to start, and changed {changed}")] if changed else []
