"""How the figures are shown: a table for people, JSON for comparing."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.figures import Figure, Judged, Result, Role
from bench.plan import Plan

SCHEMA = 1
STYLES = {Role.LIMIT: "dim", Role.PEER: "", Role.ARTSTORE: "bold"}


def show(console: Console, plan: Plan, facts: Mapping[str, object], results: Sequence[Result]) -> None:
    """Tables, then what was aimed at."""
    console.print(f"\n{facts['cores']} cores, {facts['cpu']}, {facts['file_system']}, Python {facts['python']}")
    console.print(f"medians of {plan.runs} rounds{'; a quick look, no measurement' if plan.quick else ''}")
    for result in results:
        if result.figures:
            console.print(_table(result))
        for note in result.notes:
            console.print(f"{result.name}: {escape(note)}")
        if result.failure:
            console.print(f"\n[bold red]{result.name} failed:[/] {escape(result.failure)}")
    for judged in (judged for result in results for judged in result.judged()):
        console.print(_sentence(judged))


def write(path: Path, plan: Plan, facts: Mapping[str, object], results: Sequence[Result]) -> None:
    """Everything, every round's value too."""
    document = {
        "schema": SCHEMA,
        "machine": facts,
        "quick": plan.quick,
        "runs": plan.runs,
        "benchmarks": {result.name: _document(result) for result in results},
        "aims": [_aim(judged) for result in results for judged in result.judged()],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _table(result: Result) -> Table:
    """Figures whose names begin alike stand under one heading."""
    table = Table(title=result.name, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    table.add_column("figure")
    table.add_column("median", justify="right")
    table.add_column("min - max", justify="right")
    table.add_column("unit")
    table.add_column("median of the rounds' ratios")
    for what, figures in groupby(result.figures, key=_what):
        table.add_section()
        table.add_row(escape(what), style="italic")
        for figure in figures:
            table.add_row(*_row(figure), style=STYLES[figure.role])
    return table


def _row(figure: Figure) -> tuple[str, ...]:
    spread = f"{_number(min(figure.values))} - {_number(max(figure.values))}"
    compared = "\n".join(f"{ratio:.2f} x {_short(figure, other)}" for other, ratio in figure.ratios.items())
    name = figure.name.removeprefix(f"{_what(figure)}, ")
    return f"  {escape(name)}", _number(figure.median), spread, figure.unit, escape(compared)


def _what(figure: Figure) -> str:
    return figure.name.partition(", ")[0]


def _short(figure: Figure, other: str) -> str:
    """The other's name without what both begin or end with."""
    return other.removeprefix(f"{_what(figure)}, ").removesuffix(f", {figure.name.rpartition(', ')[2]}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _sentence(judged: Judged) -> str:
    verdict = "[green]pass[/]" if judged.met else "[bold red]miss[/]"
    return f"{verdict}  {escape(judged.aim.text)}: {judged.measured:.2f} {judged.unit}"


def _document(result: Result) -> Mapping[str, object]:
    figures = [
        {
            "name": figure.name,
            "role": figure.role.value,
            "unit": figure.unit,
            "runs": list(figure.values),
            "median": figure.median,
            "min": min(figure.values),
            "max": max(figure.values),
            "ratios": dict(figure.ratios),
        }
        for figure in result.figures
    ]
    return {"figures": figures, "failure": result.failure, "notes": list(result.notes)}


def _aim(judged: Judged) -> Mapping[str, object]:
    aim = judged.aim
    return {
        "text": aim.text,
        "figure": aim.figure,
        "against": aim.against,
        "at_least": aim.at_least,
        "at_most": aim.at_most,
        "measured": judged.measured,
        "met": judged.met,
    }
