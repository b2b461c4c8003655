"""Revisions guard against two people who change the same thing at once."""

from artstore_kit.contracts.errors import RevisionMismatch


def require_unchanged(revision: int, if_match: str | None) -> None:
    """Raise unless `if_match` (RFC 9110 section 13.1.1) is absent, `*`, or names `revision`."""
    if if_match is None or if_match.strip() == "*":
        return
    if revision_tag(revision) not in (tag.strip() for tag in if_match.split(",")):
        raise RevisionMismatch(f"It is at revision {revision_tag(revision)} now.")


def revision_tag(revision: int) -> str:
    """The ETag of a revision, such as `"r3"`."""
    return f'"r{revision}"'
