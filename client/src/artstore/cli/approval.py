"""`artstore approval`: four eyes for what cannot be undone."""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from artstore.approvals import Approvals
from artstore.cli.credentials import connected
from artstore.cli.exits import Exit, run
from artstore.cli.output import complain, safe, say, say_fields, say_json
from artstore_kit.contracts.approvals import Approval, ApprovalState, GuardedOperation

Id = Annotated[str, typer.Argument(help="The id of the approval.")]
Comment = Annotated[str, typer.Option(help="What you say to it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not show it and ask.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document a line.")]
type Act = Callable[[Approvals], Awaitable[Approval]]


def create_app() -> typer.Typer:
    """The commands below `artstore approval`."""
    app = typer.Typer(
        help="What cannot be undone takes two people: one asks, another one approves, the first does it.",
        no_args_is_help=True,
    )
    for command in (ask, approve, reject, withdraw, show, ls):
        app.command()(command)
    return app


def ask(
    operation: Annotated[GuardedOperation, typer.Argument(help="What you want to do.")],
    resource: Annotated[
        str, typer.Argument(help="hold:FILE_ID/NAME, file:FILE_ID, element:ELEMENT_ID or keys:FINGERPRINT.")
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Ask for an approval; prints its id."""
    say(str(_asked(lambda approvals: approvals.ask(operation, resource, reason)).approval_id))


def approve(approval_id: Id, *, comment: Comment = "", yes: Yes = False) -> None:
    """Approve what another administrator asks for, after looking at it."""
    _look(approval_id, "Approve this?", yes=yes)
    _tell(_asked(lambda approvals: approvals.approve(approval_id, comment)))


def reject(approval_id: Id, *, comment: Comment = "") -> None:
    """Say no."""
    _tell(_asked(lambda approvals: approvals.reject(approval_id, comment)))


def withdraw(approval_id: Id) -> None:
    """Take back what you asked for."""
    _tell(_asked(lambda approvals: approvals.withdraw(approval_id)))


def show(approval_id: Id, *, as_json: Json = False) -> None:
    """Show one."""
    approval = _asked(lambda approvals: approvals.one(approval_id))
    if as_json:
        say_json(json.loads(approval.model_dump_json()))
        return
    for line in _facts(approval):
        say(line)


def ls(
    *,
    state: Annotated[ApprovalState | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    as_json: Json = False,
) -> None:
    """List approvals, newest first: id, state, operation, resource, who asks, why."""
    run(_list(state, limit, as_json=as_json))


async def _list(state: ApprovalState | None, limit: int | None, *, as_json: bool) -> None:
    async with connected() as store:
        async for each in store.approvals.all(state, limit):
            if as_json:
                say_json(json.loads(each.model_dump_json()))
            else:
                about = (each.operation.value, each.resource, each.requested_by, each.reason)
                say_fields((str(each.approval_id), _state(each), *about))


def _look(approval_id: str, question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on; add --yes")
    shown = _facts(_asked(lambda approvals: approvals.one(approval_id)))
    lines = "\n".join(f"  {safe(line)}" for line in shown)
    if not typer.confirm(f"{lines}\n{question}", err=True):
        complain("Nothing was decided.")
        raise typer.Exit(Exit.FAILED)


def _asked(act: Act) -> Approval:
    async def ask_it() -> Approval:
        async with connected() as store:
            return await act(store.approvals)

    return run(ask_it())


def _tell(approval: Approval) -> None:
    say(f"{approval.approval_id} {_state(approval)}")


def _state(approval: Approval) -> str:
    return "used" if approval.used_at else approval.state.value


def _facts(approval: Approval) -> list[str]:
    decided = f"{approval.decided_by}: {approval.comment}".removesuffix(": ") if approval.decided_by else ""
    facts = {
        "id": str(approval.approval_id),
        "state": _state(approval),
        "operation": approval.operation.value,
        "resource": approval.resource,
        "asked by": approval.requested_by,
        "reason": approval.reason,
        "decided by": decided,
        "ends": f"{approval.expires_at.astimezone():%Y-%m-%d %H:%M:%S %z}",
    }
    return [f"{name:<12} {value}" for name, value in facts.items() if value]
