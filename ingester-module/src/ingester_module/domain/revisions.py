"""Revisions as entity tags: `"r3"` (RFC 9110 section 13.1.1)."""


def revision_tag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"r{revision}"'


def revision_matches(if_match: str | None, revision: int) -> bool:
    """Whether an `If-Match` field lets a change of this revision pass."""
    if if_match is None or if_match.strip() == "*":
        return True
    return revision_tag(revision) in {tag.strip() for tag in if_match.split(",")}
