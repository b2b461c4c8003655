"""PostgreSQL refuses to run as root: this finds a user for it, and the least right that this user needs."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.fleet.errors import FleetError

# Lets a process read and traverse directories of mode 700 above its own (a clone beneath /root, `mktemp -d`),
# and nothing more: it can write only where its user may. `no_setuid_fixup` makes access(2), with which initdb looks
# for its neighbours, see that right too.
READ_BENEATH_PRIVATE_PARENTS = (
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
    "--securebits=+no_setuid_fixup",
)


def account() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as when we are root; None when we are an ordinary user and it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise FleetError("running as root, and there is neither a user 'postgres' nor 'nobody' for PostgreSQL")


def prefix(binary: Path, directory: Path) -> Sequence[str]:
    """What to put before a command so that it runs as `account()` and reaches `binary` and `directory`."""
    user = account()
    if user is None:
        return ()
    become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    for attempt in (become, (*become, *READ_BENEATH_PRIVATE_PARENTS)):
        if _reaches((*attempt, "--"), binary, directory):
            return (*attempt, "--")
    raise FleetError(
        f"user '{user.pw_name}', whom PostgreSQL runs as because root may not run it, cannot reach {binary} or "
        f"{directory}: a directory above is closed to others. Clone the repository elsewhere (for example "
        f"/srv/artstore), or give a data directory that is open with --data DIR, or run as an ordinary user."
    )


def give(path: Path) -> None:
    """Hands a file or directory to the user that PostgreSQL runs as."""
    if user := account():
        os.chown(path, user.pw_uid, user.pw_gid)


def _reaches(become: Sequence[str], binary: Path, directory: Path) -> bool:
    try:
        tried = subprocess.run(
            [*become, str(binary), "--version"], capture_output=True, check=False, env={"LC_ALL": "C.UTF-8"}
        )
        seen = subprocess.run(
            [*become, "/bin/sh", "-c", 'test -x "$1" && test -r "$1"', "sh", str(directory)],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise FleetError("setpriv (package util-linux) is needed to run PostgreSQL as another user") from error
    return tried.returncode == 0 and seen.returncode == 0
