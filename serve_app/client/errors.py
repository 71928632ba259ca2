"""The exceptions of the clients, and how HTTP responses and transport errors become one."""

from __future__ import annotations

import httpx
from pydantic import ValidationError

from serve_app.schemas import core as schemas

BODY_EXCERPT_CHARACTERS = 300


class PaperworksProblem(Exception):
    """The service answered with a problem; `code` is stable, `detail` says what to do."""

    def __init__(
        self, status: int, code: str, detail: str, problem: schemas.Problem | None = None
    ) -> None:
        super().__init__(status, code, detail, problem)
        self.status, self.code, self.detail, self.problem = status, code, detail, problem

    def __str__(self) -> str:
        return self.detail


class ServiceUnreachable(PaperworksProblem):
    """No service answers at the address; `status` is 0.

    `was_sent`: the request may have reached the service.
    """

    def __init__(self, url: str, reason: str, was_sent: bool = True) -> None:
        detail = (
            f"No service answers at {url} ({reason}). Papers accepted earlier are kept. "
            "Start the service with `paperworks up`, or set its address with --url or "
            "PAPERWORKS_URL."
        )
        super().__init__(0, "unreachable", detail)
        self.args = (url, reason, was_sent)
        self.was_sent = was_sent


def problem_from(response: httpx.Response) -> PaperworksProblem:
    """Returns the exception for an error response of the service or of a proxy in front of it."""
    try:
        problem = schemas.Problem.model_validate_json(response.content)
    except ValidationError:
        text = response.text.strip()[:BODY_EXCERPT_CHARACTERS] or response.reason_phrase
        detail = f"The service answered {response.status_code}: {text}"
        return PaperworksProblem(response.status_code, "http_error", detail)
    return PaperworksProblem(response.status_code, problem.code, problem.detail, problem)


def unreachable_from(base_url: httpx.URL | str, error: httpx.TransportError) -> ServiceUnreachable:
    """Returns the exception for a request without a response."""
    reason, was_sent = str(error) or type(error).__name__, not isinstance(error, httpx.ConnectError)
    return ServiceUnreachable(str(base_url).rstrip("/"), reason, was_sent)
