"""`paperworks events`: prints the events of a job, past and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from serve_app.cli.common import AsJson, Home, Url, library, print_line, printable
from serve_app.cli.job_control import JobId

if TYPE_CHECKING:
    from serve_app.schemas.core import Event

After = Annotated[int, typer.Option(min=0, help="Only events after this event number.")]


def events(
    job_id: JobId, after: After = 0, as_json: AsJson = False, url: Url = None, home: Home = None
) -> None:
    """Print every state change of a job and of its papers, and follow it until it ends."""
    with library(url, home) as client:
        names: dict[UUID, str] = {}
        for event in client.events(job_id, after):
            if as_json:
                print_line(event.model_dump_json())
                continue
            if event.task_id and event.task_id not in names:
                names |= {task.task_id: task.filename for task in client.job(job_id).tasks}
            print_line(event_line(event, names))


def event_line(event: Event, names: dict[UUID, str]) -> str:
    """Returns an event on one line; a paper without a name in `names` is shown by its task id."""
    paper = names.setdefault(event.task_id, str(event.task_id)) if event.task_id else ""
    step = f"{event.step}, attempt {event.attempt}" if event.attempt else event.step or ""
    error = f"{event.error.code}: {event.error.message}" if event.error else ""
    details = "  ".join(part for part in (printable(paper), step, printable(error)) if part)
    return f"{event.number:>5}  {event.at:%H:%M:%S}  {event.name:<15}  {details}".rstrip()
