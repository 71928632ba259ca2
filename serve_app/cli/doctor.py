"""`paperworks doctor`: is this machine fit, is the service well, do its stores agree?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import AsJson, Home, Url, complain, library, say, say_json
from serve_app.cli.differences import adopted_lines, advice, done_lines, lost, rows, summary
from serve_app.process.address import home_of, service_url

if TYPE_CHECKING:
    from serve_app.cli.checkup import Checkup
    from serve_app.client import Client
    from serve_app.schemas.consistency import Consistency, Repair

WithRepair = Annotated[
    bool, typer.Option("--repair", help="Repair what differs between the stores.")
]
DeleteOrphans = Annotated[
    bool,
    typer.Option("--delete-orphans", help="With --repair: delete orphans, however many."),
]
Adopt = Annotated[
    str | None,
    typer.Option(
        "--adopt",
        metavar="COLLECTION",
        help="Make papers of this collection of PDFs that belong to none, as after a restore.",
    ),
]
ClaimStores = Annotated[
    bool,
    typer.Option(
        "--claim-stores",
        help="With --adopt: Milvus and the blob store belong to this database from now on.",
    ),
]


@dataclass(frozen=True, slots=True)
class Orders:
    """What doctor is told to do beside looking."""

    repair: bool = False
    delete_orphans: bool = False
    adopt: str | None = None
    claim_stores: bool = False

    @property
    def change_nothing(self) -> bool:
        """True for a plain check."""
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
    """Check what the service needs, and when it runs, that its stores agree. Changes nothing
    without --repair or --adopt. Exit code 1 when something is not well, and stays so."""
    orders = Orders(repair, delete_orphans, adopt, claim_stores)
    _refuse_half_orders(orders)
    checkup = _checkup(url, home, orders)
    if as_json:
        say_json(checkup)
    else:
        _show(checkup)
    if not orders.change_nothing and checkup.consistency is None:
        complain("No service answers, so nothing was changed. Start it with `paperworks up`.")
        raise typer.Exit(1)
    raise typer.Exit(0 if checkup.well else 1)


def _refuse_half_orders(orders: Orders) -> None:
    if orders.delete_orphans and not orders.repair:
        raise typer.BadParameter("--delete-orphans goes with --repair.")
    if orders.claim_stores and orders.adopt is None:
        raise typer.BadParameter("--claim-stores goes with --adopt COLLECTION.")


def _checkup(url: str | None, home: Path | None, orders: Orders) -> Checkup:
    from configs.settings import Settings
    from serve_app.cli.checkup import Checkup, examine
    from serve_app.client import ServiceUnreachable

    findings = examine(Settings(home=home_of(home, os.environ)), service_url(url, home, os.environ))
    checkup = Checkup(findings=findings)
    with library(url, home) as client:
        try:
            _carry_out(orders, client, checkup)
        except ServiceUnreachable:
            return checkup
    return checkup


def _carry_out(orders: Orders, client: Client, checkup: Checkup) -> None:
    """Fills in how the stores agree and what was done about it."""
    if orders.adopt is not None:
        checkup.adoption = client.adopt(orders.adopt, claim_stores=orders.claim_stores)
    if orders.repair:
        checkup.repair = client.repair_consistency(delete_orphans=orders.delete_orphans)
        checkup.consistency = checkup.repair.found
    else:
        checkup.consistency = client.consistency()


def _show(checkup: Checkup) -> None:
    for finding in checkup.findings:
        _line(finding.well, finding.name, finding.text)
        if not finding.well:
            complain(f"      {finding.advice}")
    if checkup.adoption is not None:
        _say_done(adopted_lines(checkup.adoption))
    if checkup.consistency is not None:
        _show_stores(checkup.consistency, checkup.repair)


def _show_stores(found: Consistency, done: Repair | None) -> None:
    _line(found.consistent, "Stores", summary(found))
    for kind, text in rows(found):
        say(f"      {kind:<18} {text}")
    if done is not None:
        _say_done(done_lines(done))
    for sentence in advice(found, done):
        complain(f"      {sentence}")
    if sentence := lost(found):
        complain(f"      {sentence}")


def _say_done(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        say(f"done  {sentence}")


def _line(well: bool, name: str, text: str) -> None:
    say(f"{'ok  ' if well else 'LOOK'}  {name:<11} {text}")
