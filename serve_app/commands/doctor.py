"""`paperworks doctor`: is this machine fit, and is the service well?"""

from __future__ import annotations

import os

import typer

from serve_app.address import home_of, service_url
from serve_app.commands.common import Home, Url, complain, say


def doctor(url: Url = None, home: Home = None) -> None:
    """Check what the service needs, and the service when it runs. Changes nothing."""
    from configs.settings import Settings
    from serve_app.doctor import examine

    settings = Settings(home=home_of(home, os.environ))
    findings = examine(settings, service_url(url, home, os.environ))
    for finding in findings:
        say(f"{'ok  ' if finding.well else 'LOOK'}  {finding.name:<11} {finding.text}")
        if not finding.well:
            complain(f"      {finding.advice}")
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)
