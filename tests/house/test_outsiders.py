"""Whoever checks the audit log reads first what checks it: the tool is short, and stands on nothing of ours."""

import ast
import sys

from tests.house.the_house import ROOT

TOOL = ROOT / "tools" / "verify_audit.py"
LINES, COLUMNS = 200, 120
ROUNDABOUT = {"importlib", "runpy", "pkgutil"}
"""Of the standard library, and ways to load anything else."""


def test_the_verifier_can_be_read_by_an_outsider() -> None:
    lines = TOOL.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LINES
    assert [line for line in lines if len(line) > COLUMNS] == []


def test_the_verifier_stands_on_the_standard_library_and_cryptography() -> None:
    imported = set[str]()
    for node in ast.walk(ast.parse(TOOL.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                imported |= {each.name.partition(".")[0] for each in node.names}
            case ast.ImportFrom():
                imported.add("." if node.level else (node.module or "").partition(".")[0])
            case ast.Name(id="__import__" | "exec" | "eval" as name):
                imported.add(name)
    assert {"json", "cryptography"} < imported
    assert imported - (sys.stdlib_module_names - ROUNDABOUT) == {"cryptography"}
