"""The four modes of a storage element and the operations that each allows (DESIGN section 6)."""

from enum import StrEnum

from artstore_kit.contracts.errors import ModeForbids


class Mode(StrEnum):
    """What an element is for: `edit` working documents, `rw` and `ro` archives, `ar` offline media."""

    EDIT = "edit"
    RW = "rw"
    RO = "ro"
    AR = "ar"


class Operation(StrEnum):
    """What a mode can allow or refuse."""

    CREATE = "create"
    READ_CONTENT = "read_content"
    READ_ATTRIBUTES = "read_attributes"
    CHANGE_ATTRIBUTES = "change_attributes"
    REPLACE_CONTENT = "replace_content"
    DELETE = "delete"


ALLOWED: dict[Operation, frozenset[Mode]] = {
    Operation.CREATE: frozenset({Mode.EDIT, Mode.RW}),
    Operation.READ_CONTENT: frozenset({Mode.EDIT, Mode.RW, Mode.RO}),
    Operation.READ_ATTRIBUTES: frozenset(Mode),
    Operation.CHANGE_ATTRIBUTES: frozenset({Mode.EDIT, Mode.RW}),
    Operation.REPLACE_CONTENT: frozenset({Mode.EDIT}),
    Operation.DELETE: frozenset({Mode.EDIT}),
}

NEXT_MODE: dict[Mode, Mode] = {Mode.RW: Mode.RO, Mode.RO: Mode.AR}


def require(mode: Mode, operation: Operation) -> None:
    """Raise `ModeForbids` unless `mode` allows `operation`."""
    if mode in ALLOWED[operation]:
        return
    allowing = [each.value for each in Mode if each in ALLOWED[operation]]
    raise ModeForbids(
        f"An element of mode {mode.value} does not allow {operation.value}; modes that do: {', '.join(allowing)}.",
        mode=mode.value,
        operation=operation.value,
        allowed_modes=allowing,
    )
