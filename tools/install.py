"""Makes `.venv` and keeps it current; runs on a bare Python, so it imports the standard library alone."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed"
UNFINISHED = VENV / "unfinished"
LOG = VENV / "install.log"


def members() -> list[str]:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    return [str(member) for member in workspace["members"]]


def fingerprint() -> str:
    """What the environment was made from: the lock, the members, the interpreter, and where it lies."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for path in (LOCK, *(ROOT / member / "pyproject.toml" for member in members())):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    """Asked of the environment's own Python: a replaced interpreter changes the answer."""
    return STAMP.exists() and STAMP.read_text() == fingerprint()


def venv_says(option: str) -> bool:
    if not PYTHON.exists():
        return False
    return (
        subprocess.run([PYTHON, "-I", "-S", __file__, option], check=False, stderr=subprocess.DEVNULL).returncode == 0
    )


def install() -> None:
    with only_one() as lock:
        if venv_says("--check"):
            return
        if UNFINISHED.exists() or not venv_says("--usable"):
            shutil.rmtree(VENV, ignore_errors=True)
            say(f"First start: making .venv with Python {sys.version.split()[0]} (once; about a minute).")
            venv.create(VENV, with_pip=True, symlinks=True)
        UNFINISHED.touch()
        STAMP.unlink(missing_ok=True)
        install_packages(lock)
        install_members(lock)
        venv_says("--stamp")
        UNFINISHED.unlink()


@contextmanager
def only_one() -> Iterator[int]:
    """Two first starts at once: the second waits for the first, then finds everything done.

    pip inherits the lock, so that one whose parent was killed is waited for as well.
    """
    with LOCK.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is preparing .venv; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def install_packages(lock: int) -> None:
    """No resolving: the lock names everything, with its hash."""
    total = len(re.findall(r"^[a-z0-9]\S*==", LOCK.read_text(), re.MULTILINE))
    say(f"Fetching and installing {total} packages, each checked against its hash in requirements.lock.")
    pip("--require-hashes", "-r", str(LOCK), total=total, lock=lock)


def install_members(lock: int) -> None:
    names = members()
    say(f"Installing {len(names)} packages of this repository.")
    editable = [argument for name in names for argument in ("-e", str(ROOT / name))]
    pip("--no-build-isolation", *editable, total=len(names), lock=lock)


def pip(*arguments: str, total: int, lock: int) -> None:
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", *arguments]
    seen = 0
    with LOG.open("a") as log:
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, pass_fds=[lock]
        )
        assert running.stdout is not None
        for line in running.stdout:
            log.write(line)
            if line.startswith(("Collecting", "Obtaining", "Requirement already")):
                seen += 1
                show(seen, total)
            elif line.startswith("Installing collected"):
                say("  unpacking them")
    if running.wait():
        raise SystemExit(f"fleet: pip could not install the packages. The end of {LOG}:\n{tail(LOG)}")


def show(seen: int, total: int) -> None:
    """On a terminal one line that counts; in a log a line now and then."""
    if sys.stdout.isatty():
        print(f"\r  {seen} of {total}", end="\n" if seen == total else "", flush=True)
    elif seen == total or seen % 40 == 0:
        say(f"  {seen} of {total}")


def tail(path: Path) -> str:
    return "\n".join(f"    {line}" for line in path.read_text().splitlines()[-15:])


def say(text: str) -> None:
    print(text, flush=True)


def main(argument: str) -> int:
    if argument == "--check":
        return 0 if is_current() else 1
    if argument == "--usable":
        return 0 if sys.version_info >= (3, 12) and (VENV / "bin" / "pip").exists() else 1
    if argument == "--stamp":
        STAMP.write_text(fingerprint())
        return 0
    install()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
    except KeyboardInterrupt:
        sys.exit("fleet: interrupted; the next start begins the installation again")
    except OSError as error:
        sys.exit(f"fleet: cannot prepare {VENV}: {error}")
