"""What an error of the disk means: it is full, it will pass, or nobody knows what is on it now."""

import errno

_OUT_OF_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def is_out_of_room(error: OSError) -> bool:
    """Whether the file system or a quota is full, which is not a fault of the disk."""
    return error.errno in _OUT_OF_ROOM


def is_passing(error: OSError) -> bool:
    """Whether the process is short of something, and the disk as it was."""
    return error.errno in _PASSING
