"""What may not be in the repository: hosts of registries, paths of a machine, secrets, second versions."""

import re

from tests.house.the_house import ROOT, tracked_files

HOSTS = re.compile(r"\b(pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|ghcr\.io|quay\.io)\b")
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/")
PRIVATE_KEY = "-----BEGIN " + "PRIVATE KEY-----"
TEXT = {".py", ".md", ".toml", ".lock", ".txt", ".json", ".yml", ".yaml", ".sh", ".ts", ".html", ".cfg", ""}


def _texts() -> dict[str, str]:
    files = [path for path in tracked_files() if path.suffix in TEXT and path.name != "test_repository.py"]
    return {str(path.relative_to(ROOT)): path.read_text(errors="replace") for path in files}


def test_no_registry_host_is_named() -> None:
    assert [name for name, text in _texts().items() if HOSTS.search(text)] == []


def test_no_path_of_a_machine_is_named() -> None:
    assert [name for name, text in _texts().items() if MACHINE.search(text)] == []


def test_no_private_key_is_kept() -> None:
    assert [name for name, text in _texts().items() if PRIVATE_KEY in text] == []


def test_the_lock_pins_everything_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^[a-z0-9][\w.\[\],-]*==[^\s;]+(?: ; [^\\\n]*)? \\$", lock, re.M)
    named = re.findall(r"^[a-z0-9]\S*", lock, re.M)
    assert len(pinned) == len(named) > 50


def test_nothing_is_left_for_later() -> None:
    later = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
    assert [name for name, text in _texts().items() if name.endswith(".py") and later.search(text)] == []
