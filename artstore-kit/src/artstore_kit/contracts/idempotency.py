"""`Idempotency-Key`: whoever sends a request again under the same key gets the same answer, and it is done once."""

from artstore_kit.contracts.errors import BadRequest

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
"""`true` in an answer that was given before."""

KEY_LIMIT = 255


def checked_key(value: str | None) -> str | None:
    """The value of the header: 1 to 255 visible ASCII characters. Raise `BadRequest` for another one."""
    if value is None:
        return None
    if not 1 <= len(value) <= KEY_LIMIT or not all("!" <= character <= "~" for character in value):
        raise BadRequest(f"An {IDEMPOTENCY_KEY_HEADER} is 1 to {KEY_LIMIT} visible ASCII characters.")
    return value
