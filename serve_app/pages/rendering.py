"""Renders the templates to HTML responses."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.access import Access, Scope
from domain.collection_names import name_of
from domain.job_steps import papers_in_steps
from domain.wording import plural
from serve_app.access.gate import csrf_token_of, session_of

FOLDER = Path(__file__).parent
STATIC_PATH = "/static"
# Own files only; no inline script, no inline style, no other host.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Vary": "HX-Request"}
SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Returns the page. `base` in a template is the path under which the service is mounted."""
    session = session_of(request)
    text = ENVIRONMENT.get_template(template).render(
        base=base_of(request),
        path=request.url.path,
        csrf_token=csrf_token_of(session) if session else None,
        may=_permissions(request),
        **values,
    )
    return HTMLResponse(text, status, HEADERS)


def base_of(request: Request) -> str:
    """Returns the path under which the service is mounted, without a slash at its end."""
    return request.scope.get("root_path", "").rstrip("/")


def _permissions(request: Request) -> frozenset[str]:
    """Returns the scopes of the request, which decide what its page offers; none on `/sign-in`."""
    access: Access | None = getattr(request.state, "access", None)
    return frozenset(scope for scope in Scope if access is not None and access.may(scope))


def wants_fragment(request: Request) -> bool:
    """True if htmx replaces a part of the page; for "back" it replaces the whole page."""
    is_restored = request.headers.get("HX-History-Restore-Request") == "true"
    return request.headers.get("HX-Request") == "true" and not is_restored


def query_string(values: Mapping[str, Any], **changes: Any) -> str:
    """Returns the query string of the values with these changes; empty values are left out."""
    given = {**values, **changes}
    chosen = {name: value for name, value in given.items() if value not in ("", None)}
    return f"?{urlencode(chosen)}" if chosen else ""


def duration(seconds: float) -> str:
    """Returns a duration with one unit, such as `12 s` or `3 min`."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def age(time: datetime | None) -> str:
    """Returns how long ago the time was, such as `3 min ago`; "" for None."""
    if time is None:
        return ""
    return f"{duration(max(0.0, (datetime.now(UTC) - time).total_seconds()))} ago"


def ahead(time: datetime) -> str:
    """Returns how far ahead the time is, such as `in 3 min`; `now` if it is past."""
    seconds = (time - datetime.now(UTC)).total_seconds()
    return f"in {duration(seconds)}" if seconds >= 1 else "now"


def size(count: float | None) -> str:
    """Returns a number of bytes with one unit, such as `12 MB`; `–` for None."""
    if count is None:
        return "–"
    for power, unit in SIZES:
        if count >= power:
            return f"{count / power:.1f} {unit}"
    return f"{count:.0f} bytes"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        age=age, ahead=ahead, duration=duration, name_of=name_of, size=size, shell=shlex.quote
    )
    environment.globals.update(
        papers_in_steps=papers_in_steps,
        plural=plural,
        query_string=query_string,
        static=STATIC_PATH,
    )
    return environment


ENVIRONMENT = _environment()
