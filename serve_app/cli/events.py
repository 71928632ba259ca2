"""`paperworks events`: what happened to a job, and what happens to it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from serve_app.cli.common import AsJson, Home, Url, library, printable, say
from serve_app.cli.job_control import JobId

if TYPE_CHECKING:
    from serve_app.schemas.core import Event

After = Annotated[int, typer.Option(min=0, help="Only what comes after the event of this number.")]


def events(
    job_id: JobId, after: After = 0, as_json: AsJson = False, url: Url = None, home: Home = None
) -> None:
    """Print every move of a job and of its papers, and follow it to its end."""
    with library(url, home) as client:
        names: dict[UUID, str] = {}
        for event in client.events(job_id, after):
            if as_json:
                say(event.model_dump_json())
                continue
            if event.task_id and event.task_id not in names:
                names |= {task.task_id: task.filename for task in client.job(job_id).tasks}
            say(event_line(event, names))


def event_line(event: Event, names: dict[UUID, str]) -> str:
    """An event on one line; a paper of which the job does not tell the name goes by its task."""
    paper = names.setdefault(event.task_id, str(event.task_id)) if event.task_id else ""
    tried = f"{event.step}, attempt {event.attempt}" if event.attempt else event.step or ""
    why = f"{event.error.code}: {event.error.message}" if event.error else ""
    said = "  ".join(part for part in (printable(paper), tried, printable(why)) if part)
    return f"{event.number:>5}  {event.at:%H:%M:%S}  {event.name:<15}  {said}".rstrip()
