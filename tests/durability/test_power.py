"""The power-loss simulator allows what a disk may do, and nothing else."""

import itertools
from collections.abc import Sequence

from tests.durability.calls import EVERYTHING, Call
from tests.durability.power import Effort, crash_states, fates
from tests.durability.world import KEPT, LOST, Change, ClearName, Data, SetName, Size, Tree, World

ALL = Effort(exhaustive_up_to=12, samples=0, tears=3, plain=0)
OLD = World.of({"a": None, "b": None, "a/old": b"old"})
A, B, OLD_INODE = 1, 3, 2


def trees(*steps: Change | int, before: World = OLD) -> list[Tree]:
    """What may lie there in the end; a number is a sync of that inode."""
    calls: list[Call] = []
    for number, step in enumerate(steps, 1):
        calls.append(
            Call(number, "", "", syncs=step) if isinstance(step, int) else Call(number, "", "", changes=[step])
        )
    last = [state.tree for state in crash_states(before, calls, ALL, 1) if state.at == len(calls)]
    return [dict(items) for items in {tuple(sorted(tree.items())) for tree in last}]


def files(found: Sequence[Tree]) -> list[dict[str, bytes]]:
    return sorted(
        ({path: content for path, content in tree.items() if content is not None} for tree in found), key=sorted
    )


NEW = SetName(A, "new", 9)
WRITTEN = Data(9, 0, b"x" * 1024, grows=True)


def test_what_was_never_synced_may_be_there_in_every_combination() -> None:
    found = files(trees(NEW, SetName(A, "second", 10)))
    names = [sorted(each) for each in found]
    assert sorted(names) == [
        ["a/new", "a/new", "a/old"][1:],
        ["a/new", "a/old", "a/second"],
        ["a/old"],
        ["a/old", "a/second"],
    ]


def test_a_synced_directory_keeps_its_names_but_no_content() -> None:
    contents = {each["a/new"] for each in files(trees(NEW, WRITTEN, A))}
    assert {b"", b"x" * 1024, bytes(1024), b"x" * 512, bytes(512) + b"x" * 512} <= contents


def test_synced_content_without_its_name_is_nowhere() -> None:
    assert files(trees(NEW, WRITTEN, 9)) == [{"a/new": b"x" * 1024, "a/old": b"old"}, {"a/old": b"old"}]


def test_after_both_syncs_there_is_one_state() -> None:
    assert files(trees(NEW, WRITTEN, 9, A)) == [{"a/new": b"x" * 1024, "a/old": b"old"}]
    assert files(trees(NEW, WRITTEN, EVERYTHING)) == [{"a/new": b"x" * 1024, "a/old": b"old"}]


def test_a_sync_says_nothing_of_what_comes_later() -> None:
    assert {"a/old": b"old"} in files(trees(A, 9, EVERYTHING, NEW))


def test_a_rename_may_be_kept_without_its_data() -> None:
    fresh = SetName(A, "old", 9)
    contents = {each["a/old"] for each in files(trees(NEW, WRITTEN, fresh, ClearName(A, "new", fresh)))}
    assert {b"old", b"", b"x" * 1024} <= contents


def test_what_is_renamed_is_found_under_one_of_its_names_at_least() -> None:
    moved = SetName(B, "moved", OLD_INODE)
    change = (moved, ClearName(A, "old", moved))
    assert files(trees(*change)) == [{"a/old": b"old"}, {"a/old": b"old", "b/moved": b"old"}, {"b/moved": b"old"}]
    assert files(trees(*change, A)) == [{"b/moved": b"old"}]
    assert files(trees(*change, B)) == [{"a/old": b"old", "b/moved": b"old"}, {"b/moved": b"old"}]


def test_it_is_found_even_when_the_directory_that_it_went_to_is_lost() -> None:
    deeper = SetName(B, "deeper", 11, is_directory=True)
    moved = SetName(11, "moved", OLD_INODE)
    found = files(trees(deeper, moved, ClearName(A, "old", moved)))
    assert all("a/old" in each or "b/deeper/moved" in each for each in found)
    assert files(trees(deeper, moved, ClearName(A, "old", moved), A)) == [{"b/deeper/moved": b"old"}]


def test_what_is_overwritten_in_place_may_be_cut_and_empty() -> None:
    contents = {each["a/old"] for each in files(trees(Size(OLD_INODE, 0), Data(OLD_INODE, 0, b"new!")))}
    assert {b"old", b"", b"new!", bytes(4)} <= contents


def test_content_of_an_allocated_file_is_zeros_and_never_an_old_block() -> None:
    made = (SetName(A, "segment", 9), Size(9, 2048, grow=True), A, 9)
    contents = {each["a/segment"] for each in files(trees(*made, Data(9, 0, b"x" * 1024)))}
    assert all(set(content) <= {0, ord("x")} and len(content) == 2048 for content in contents)
    assert len(contents) > 3


def test_few_changes_are_gone_through_in_all_combinations() -> None:
    pending = [SetName(A, str(number), 20 + number) for number in range(12)]
    assert set(itertools.product((LOST, KEPT), repeat=12)) <= set(fates(pending, ALL, 1))


def test_of_many_changes_a_sample_follows_from_the_seed() -> None:
    pending = [Data(9, number, b"x" * 600) for number in range(20)]
    effort = Effort(exhaustive_up_to=12, samples=50, tears=2, plain=5)
    assert list(fates(pending, effort, 1)) == list(fates(pending, effort, 1))
    assert set(fates(pending, effort, 1)) != set(fates(pending, effort, 2))
