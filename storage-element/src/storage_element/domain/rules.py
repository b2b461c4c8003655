"""What may be done to a file, besides what the element's mode says: holds, retention, revisions."""

from datetime import UTC, datetime

from artstore_kit.contracts.errors import (
    FileHeld,
    FileRetained,
    HoldExists,
    ModeForbids,
    RetentionShortened,
    RevisionMismatch,
    TooManyHolds,
    UploadInProgress,
)
from artstore_kit.contracts.files import (
    HOLDS_LIMIT,
    AttributeChanges,
    Content,
    FileAttributes,
    Hold,
    Retention,
    RetentionKind,
)
from artstore_kit.contracts.modes import Mode, Operation
from storage_element.domain.records import Kind

OPERATION_OF = {
    Kind.CREATE_INLINE: Operation.CREATE,
    Kind.CREATE_STAGED: Operation.CREATE,
    Kind.REPLACE_INLINE: Operation.REPLACE_CONTENT,
    Kind.REPLACE_STAGED: Operation.REPLACE_CONTENT,
    Kind.CHANGE: Operation.CHANGE_ATTRIBUTES,
    Kind.REMOVE: Operation.DELETE,
}
FOREVER = datetime.max.replace(tzinfo=UTC)
CONTENT_FIELDS = {"name", "media_type"}


def must_have_expired(file: FileAttributes, now: datetime) -> None:
    """Raise unless `file` is temporary, its time is over, and neither a hold nor retention keeps it."""
    retention = file.retention
    if retention.kind is not RetentionKind.TEMPORARY or retention.expires_at is None or retention.expires_at > now:
        raise FileRetained("The file has not expired.")
    may_remove(file, now)


def may_remove(file: FileAttributes, now: datetime) -> None:
    """Raise unless neither a hold nor retention keeps `file`."""
    if file.holds:
        raise FileHeld(f"The file is under legal hold ({_names(file)}) and cannot be removed.")
    _past_retention(file, now)


def may_replace(file: FileAttributes, now: datetime) -> None:
    """Raise unless neither a hold nor retention keeps the content of `file` as it is."""
    if file.holds:
        raise FileHeld(f"The file is under legal hold ({_names(file)}); its content cannot be replaced.")
    _past_retention(file, now)


def replaced(file: FileAttributes, content: Content, changes: AttributeChanges) -> FileAttributes:
    """The next revision of `file`, with `content`, whose name and media type stay unless they are changed."""
    fresh = changed(file, changes, Mode.EDIT)
    kept = {"name": fresh.content.name, "media_type": fresh.content.media_type, "version": file.content.version + 1}
    return fresh.model_copy(update={"content": content.model_copy(update=kept)})


def _past_retention(file: FileAttributes, now: datetime) -> None:
    until = file.retention.retain_until
    if until is not None and until > now:
        raise FileRetained(f"The file must be kept until {until.isoformat()}.")


def matches_revision(file: FileAttributes, if_match: str | None) -> None:
    """Raise unless `if_match` (RFC 9110 section 13.1.1) is absent, `*`, or names the file's revision."""
    _matches(if_match, file, {revision_tag(file)})


def matches_content(file: FileAttributes, if_match: str | None) -> None:
    """Raise unless `if_match` is absent, `*`, or names the file's revision or its content."""
    _matches(if_match, file, {revision_tag(file), content_tag(file)})


def not_replaced_since(before: FileAttributes, file: FileAttributes) -> None:
    """Raise unless `file` still has the content that it had before."""
    if file.content.version != before.content.version:
        detail = "Another request has replaced the content meanwhile; try again."
        raise UploadInProgress(detail, headers={"Retry-After": "1"})


def _matches(if_match: str | None, file: FileAttributes, tags: set[str]) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    if tags.isdisjoint(tag.strip() for tag in if_match.split(",")):
        raise RevisionMismatch(f"The file is at revision {revision_tag(file)} now.")


def revision_tag(file: FileAttributes) -> str:
    """The ETag of the attributes, such as `"r3"`."""
    return f'"r{file.revision}"'


def content_tag(file: FileAttributes) -> str:
    """The strong ETag of the content: its sha256."""
    return f'"{file.content.sha256}"'


def changed(file: FileAttributes, changes: AttributeChanges, mode: Mode) -> FileAttributes:
    """The next revision of `file`; raises when `mode`, a hold or the file's retention forbids the change."""
    if file.holds:
        raise FileHeld(f"The file is under legal hold ({_names(file)}) and cannot be changed.")
    wanted = changes.model_dump(exclude_none=True, include=CONTENT_FIELDS)
    if wanted and mode is not Mode.EDIT:
        raise ModeForbids(
            f"An element of mode {mode.value} does not change {', '.join(sorted(wanted))}: they describe the content.",
            mode=mode.value,
            operation="change_attributes",
            allowed_modes=[Mode.EDIT.value],
        )
    if changes.retention is not None:
        _not_shorter(file.retention, changes.retention, mode)
    named = {name: getattr(changes, name) for name in changes.model_fields_set - CONTENT_FIELDS}
    update = {name: value for name, value in named.items() if value is not None}
    content = file.content.model_copy(update=wanted)
    return file.model_copy(update={**update, "content": content, "revision": file.revision + 1})


def held(file: FileAttributes, hold: Hold) -> FileAttributes:
    """The next revision of `file`, under `hold` too; `file` itself when it is under it already."""
    same = [each for each in file.holds if each.id == hold.id]
    if same and same[0].reason != hold.reason:
        raise HoldExists(f"The hold '{hold.id}' was placed for another reason: {same[0].reason or 'none was given'}.")
    if same:
        return file
    if len(file.holds) >= HOLDS_LIMIT:
        raise TooManyHolds(f"A file can be under {HOLDS_LIMIT} holds; this one is under {_names(file)}.")
    return _with_holds(file, [*file.holds, hold])


def released(file: FileAttributes, hold_id: str) -> FileAttributes:
    """The next revision of `file`, under this hold no more; `file` itself when it is not under it."""
    left = [each for each in file.holds if each.id != hold_id]
    return file if len(left) == len(file.holds) else _with_holds(file, left)


def _with_holds(file: FileAttributes, holds: list[Hold]) -> FileAttributes:
    return file.model_copy(update={"holds": holds, "revision": file.revision + 1})


def _names(file: FileAttributes) -> str:
    return ", ".join(hold.id for hold in file.holds)


def _not_shorter(old: Retention, new: Retention, mode: Mode) -> None:
    """Only a temporary file on an edit element may be given an earlier expiry."""
    if (new.retain_until or _NEVER) < (old.retain_until or _NEVER):
        raise RetentionShortened(f"retain_until cannot be earlier than {old.retain_until}.")
    if old.kind is RetentionKind.PERMANENT and new.kind is RetentionKind.TEMPORARY:
        raise RetentionShortened("A permanent file cannot become temporary.")
    earlier = (new.expires_at or FOREVER) < (old.expires_at or FOREVER)
    if earlier and (old.kind is RetentionKind.PERMANENT or mode is not Mode.EDIT):
        raise RetentionShortened("expires_at cannot be earlier on a permanent file, nor on an archive.")


_NEVER = datetime.min.replace(tzinfo=UTC)
