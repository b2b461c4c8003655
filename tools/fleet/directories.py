"""Temporary directories that the user whom PostgreSQL runs as may pass through."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_directory(beneath: Path | None = None) -> Iterator[Path]:
    """Deleted at the end; `beneath` defaults to the system's place for temporary files."""
    directory = Path(tempfile.mkdtemp(prefix="artstore-", dir=beneath))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
