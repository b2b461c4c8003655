"""The most memory that a process has had since its peak was reset (Linux: VmHWM of /proc/PID/status)."""

from pathlib import Path

from bench.plan import MIB

RESET_PEAK = "5"
"""proc(5), clear_refs: the peak becomes what is resident now."""


class Unmeasurable(Exception):
    """This system does not let a peak of memory be reset."""


def reset(pid: int) -> float:
    """Begin a new peak; what is resident now, in MiB."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    except OSError as error:
        raise Unmeasurable(f"the peak of process {pid} cannot be reset: {error}") from error
    return peak(pid)


def peak(pid: int) -> float:
    """In MiB."""
    return _status_mib(pid, "VmHWM")


def shared(pid: int) -> float:
    """What is resident and shared with other processes, in MiB."""
    return _status_mib(pid, "RssShmem") + _status_mib(pid, "RssFile")


def _status_mib(pid: int, field: str) -> float:
    """0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kib = [float(line.split()[1]) for line in lines if line.startswith(f"{field}:")]
    return kib[0] * 1024 / MIB if kib else 0.0
