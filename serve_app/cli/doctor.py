"""`paperworks doctor`: checks the machine, the service and the consistency of its stores."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import AsJson, Home, Url, library, print_error, print_json, print_line
from serve_app.cli.differences import (
    adoption_lines,
    advice,
    lost_papers,
    repair_lines,
    rows,
    summary,
)
from serve_app.process.address import home_of, service_url

if TYPE_CHECKING:
    from serve_app.cli.checkup import Checkup
    from serve_app.client import Client
    from serve_app.schemas.consistency import Consistency, Repair

WithRepair = Annotated[
    bool, typer.Option("--repair", help="Repair differences between the stores.")
]
DeleteOrphans = Annotated[
    bool,
    typer.Option(
        "--delete-orphans", help="With --repair: delete orphans beyond the deletion limits too."
    ),
]
Adopt = Annotated[
    str | None,
    typer.Option(
        "--adopt",
        metavar="COLLECTION",
        help="Add orphaned PDFs to this collection, for example after a database restore.",
    ),
]
ClaimStores = Annotated[
    bool,
    typer.Option(
        "--claim-stores",
        help="With --adopt: assign Milvus and the blob store to this database.",
    ),
]


@dataclass(frozen=True, slots=True)
class Actions:
    """The changes that the options ask for."""

    repair: bool = False
    delete_orphans: bool = False
    adopt: str | None = None
    claim_stores: bool = False

    @property
    def is_read_only(self) -> bool:
        """True if nothing is repaired or adopted."""
        return not self.repair and self.adopt is None


def doctor(
    url: Url = None,
    home: Home = None,
    repair: WithRepair = False,
    delete_orphans: DeleteOrphans = False,
    adopt: Adopt = None,
    claim_stores: ClaimStores = False,
    as_json: AsJson = False,
) -> None:
    """Check the machine, the installation and, while the service runs, its stores.

    Changes nothing without --repair or --adopt. Exit code 1 if a check fails or a difference
    between the stores remains.
    """
    actions = Actions(repair, delete_orphans, adopt, claim_stores)
    _check_options(actions)
    checkup = _checkup(url, home, actions)
    if as_json:
        print_json(checkup)
    else:
        _show(checkup)
    if not actions.is_read_only and checkup.consistency is None:
        print_error("No service answers, so nothing was changed. Start it with `paperworks up`.")
        raise typer.Exit(1)
    raise typer.Exit(0 if checkup.ok else 1)


def _check_options(actions: Actions) -> None:
    if actions.delete_orphans and not actions.repair:
        raise typer.BadParameter("--delete-orphans requires --repair.")
    if actions.claim_stores and actions.adopt is None:
        raise typer.BadParameter("--claim-stores requires --adopt COLLECTION.")


def _checkup(url: str | None, home: Path | None, actions: Actions) -> Checkup:
    from configs.settings import Settings
    from serve_app.cli.checkup import Checkup, examine
    from serve_app.client import ServiceUnreachable

    findings = examine(Settings(home=home_of(home, os.environ)), service_url(url, home, os.environ))
    checkup = Checkup(findings=findings)
    with library(url, home) as client:
        try:
            _apply(actions, client, checkup)
        except ServiceUnreachable:
            return checkup
    return checkup


def _apply(actions: Actions, client: Client, checkup: Checkup) -> None:
    """Applies the actions and stores their results, and the state of the stores, in `checkup`."""
    if actions.adopt is not None:
        checkup.adoption = client.adopt(actions.adopt, claim_stores=actions.claim_stores)
    if actions.repair:
        checkup.repair = client.repair_consistency(delete_orphans=actions.delete_orphans)
        checkup.consistency = checkup.repair.found
    else:
        checkup.consistency = client.consistency()


def _show(checkup: Checkup) -> None:
    for finding in checkup.findings:
        _print_check(finding.ok, finding.name, finding.text)
        if not finding.ok:
            print_error(f"      {finding.advice}")
    if checkup.adoption is not None:
        _print_actions(adoption_lines(checkup.adoption))
    if checkup.consistency is not None:
        _show_stores(checkup.consistency, checkup.repair)


def _show_stores(found: Consistency, repair: Repair | None) -> None:
    _print_check(found.consistent, "Stores", summary(found))
    for kind, text in rows(found):
        print_line(f"      {kind:<18} {text}")
    if repair is not None:
        _print_actions(repair_lines(repair))
    for sentence in advice(found, repair):
        print_error(f"      {sentence}")
    if sentence := lost_papers(found):
        print_error(f"      {sentence}")


def _print_actions(lines: Iterable[str]) -> None:
    for line in lines:
        print_line(f"done  {line}")


def _print_check(ok: bool, name: str, text: str) -> None:
    print_line(f"{'ok  ' if ok else 'FAIL'}  {name:<11} {text}")
