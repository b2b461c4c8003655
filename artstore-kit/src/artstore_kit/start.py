"""What keeps a service from starting."""


class StartRefused(Exception):
    """The service cannot start; the message says why and what to do about it, so that no traceback is needed."""
