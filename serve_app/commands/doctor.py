"""`paperworks doctor`: is this machine fit, is the service well, do its stores agree?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.address import home_of, service_url
from serve_app.commands.common import AsJson, Home, Url, complain, library, say, say_json
from serve_app.commands.differences import ADVICE, done_lines, lost, rows, summary

if TYPE_CHECKING:
    from serve_app.consistency_schemas import Consistency, Repair
    from serve_app.doctor import Checkup

WithRepair = Annotated[bool, typer.Option("--repair", help="Mend what differs between the stores.")]


def doctor(
    url: Url = None, home: Home = None, repair: WithRepair = False, as_json: AsJson = False
) -> None:
    """Check what the service needs, and when it runs, that its stores agree. Changes nothing
    without --repair. Exit code 1 when something is not well, and stays so."""
    checkup = _checkup(url, home, repair)
    if as_json:
        say_json(checkup)
    else:
        _show(checkup)
    if repair and checkup.consistency is None:
        complain("No service answers, so nothing was repaired. Start it with `paperworks up`.")
        raise typer.Exit(1)
    raise typer.Exit(0 if checkup.well else 1)


def _checkup(url: str | None, home: Path | None, repair: bool) -> Checkup:
    from configs.settings import Settings
    from serve_app.consistency_schemas import Repair
    from serve_app.doctor import Checkup, examine

    findings = examine(Settings(home=home_of(home, os.environ)), service_url(url, home, os.environ))
    answer = _asked(url, home, repair)
    if isinstance(answer, Repair):
        return Checkup(findings=findings, consistency=answer.found, repair=answer)
    return Checkup(findings=findings, consistency=answer)


def _asked(url: str | None, home: Path | None, repair: bool) -> Consistency | Repair | None:
    """How the stores agree, or how they were mended; None when no service answers."""
    from serve_app.client import ServiceUnreachable

    with library(url, home) as client:
        try:
            return client.repair_consistency() if repair else client.consistency()
        except ServiceUnreachable:
            return None


def _show(checkup: Checkup) -> None:
    for finding in checkup.findings:
        _line(finding.well, finding.name, finding.text)
        if not finding.well:
            complain(f"      {finding.advice}")
    if checkup.consistency is not None:
        _show_stores(checkup.consistency, checkup.repair)


def _show_stores(found: Consistency, done: Repair | None) -> None:
    _line(found.consistent, "Stores", summary(found))
    for kind, text in rows(found):
        say(f"      {kind:<18} {text}")
    if done is not None:
        for sentence in done_lines(done):
            say(f"done  {sentence}")
    elif not found.consistent:
        complain(f"      {ADVICE}")
    if sentence := lost(found):
        complain(f"      {sentence}")


def _line(well: bool, name: str, text: str) -> None:
    say(f"{'ok  ' if well else 'LOOK'}  {name:<11} {text}")
