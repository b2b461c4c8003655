"""DESIGN section 6, cell by cell."""

import pytest

from artstore_kit.contracts.errors import ModeForbids
from artstore_kit.contracts.modes import NEXT_MODE, Mode, Operation, require

TABLE = {
    Operation.CREATE: "edit rw",
    Operation.READ_CONTENT: "edit rw ro",
    Operation.READ_ATTRIBUTES: "edit rw ro ar",
    Operation.CHANGE_ATTRIBUTES: "edit rw",
    Operation.REPLACE_CONTENT: "edit",
    Operation.DELETE: "edit",
}


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("mode", Mode)
def test_a_mode_allows_what_the_table_says(mode: Mode, operation: Operation) -> None:
    allowing = TABLE[operation].split()
    if mode.value in allowing:
        require(mode, operation)
        return
    with pytest.raises(ModeForbids) as refused:
        require(mode, operation)
    assert refused.value.status == 409
    assert refused.value.extra == {"mode": mode.value, "operation": operation.value, "allowed_modes": allowing}


def test_modes_go_one_way() -> None:
    assert NEXT_MODE == {Mode.RW: Mode.RO, Mode.RO: Mode.AR}
