"""Each mutant still applies to the element as it is, and breaks it in a way that Python can read."""

import ast

import pytest

from tests.durability.everything import ROOT
from tests.durability.mutant_part import PACKAGE
from tests.durability.mutants import MUTANTS, Mutant
from tests.durability.part import PARTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies(mutant: Mutant) -> None:
    text = (PACKAGE / mutant.path).read_text()
    assert text.count(mutant.old) == 1
    ast.parse(text.replace(mutant.old, mutant.new))
    for part, _, rest in (probe.partition("/") for probe in mutant.probes):
        assert part in PARTS or (part == "test" and (ROOT / "storage-element/tests" / rest).exists())


def test_each_mutant_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
