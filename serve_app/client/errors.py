"""The exceptions of the clients, and when a request is repeated after one."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import ValidationError

from serve_app.schemas import core as schemas

BODY_EXCERPT_CHARACTERS = 300
DEFAULT_RETRY_AFTER_SECONDS = 2.0
FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
RETRYABLE_STATUSES = (429, 503)  # the queue is full; a store or the service is unavailable


class PaperworksProblem(Exception):
    """The service answered with a problem; `code` is stable, `detail` says what to do."""

    retry_after_seconds = DEFAULT_RETRY_AFTER_SECONDS

    def __init__(
        self, status: int, code: str, detail: str, problem: schemas.Problem | None = None
    ) -> None:
        super().__init__(status, code, detail, problem)
        self.status, self.code, self.detail, self.problem = status, code, detail, problem

    def __str__(self) -> str:
        return self.detail

    @property
    def is_of_proxy(self) -> bool:
        """True for a 5xx that is no problem document: the proxy lost the process behind it."""
        return self.problem is None and self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @classmethod
    def of(cls, response: httpx.Response) -> PaperworksProblem:
        """Returns the problem in an error response of the service, or of a proxy in front of it."""
        try:
            body = schemas.Problem.model_validate_json(response.content)
            problem = cls(response.status_code, body.code, body.detail, body)
        except ValidationError:
            text = response.text.strip()[:BODY_EXCERPT_CHARACTERS] or response.reason_phrase
            detail = f"The service answered {response.status_code}: {text}"
            problem = cls(response.status_code, "http_error", detail)
        header = response.headers.get("retry-after", "")
        if header.isdecimal():
            problem.retry_after_seconds = float(header)
        return problem


class ServiceUnreachable(PaperworksProblem):
    """No service answers at the address; `status` is 0.

    `was_sent`: the request may have reached the service. `is_cut_off`: the connection was lost
    before the response; the process that received the request may have died.
    """

    def __init__(
        self, url: str, reason: str, was_sent: bool = True, is_cut_off: bool = False
    ) -> None:
        detail = (
            f"No service answers at {url} ({reason}). Papers accepted earlier are kept. "
            "Start the service with `paperworks up`, or set its address with --url or "
            "PAPERWORKS_URL."
        )
        super().__init__(0, "unreachable", detail)
        self.args = (url, reason, was_sent, is_cut_off)
        self.was_sent, self.is_cut_off = was_sent, is_cut_off

    @classmethod
    def after(cls, error: httpx.TransportError, url: httpx.URL) -> ServiceUnreachable:
        """Returns the problem of a request without a response."""
        was_sent = not isinstance(error, httpx.ConnectError)
        is_cut_off = isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))
        reason = str(error) or type(error).__name__
        return cls(str(url).rstrip("/"), reason, was_sent, was_sent and is_cut_off)


@dataclass(slots=True)
class RetryPolicy:
    """Decides whether one request is retried, and after which backoff.

    Retried are responses with status 429 or 503, after their Retry-After, and refused connections
    of a service that was reached before: it is being restarted, which takes a few seconds. A
    connection that is refused before means a wrong address. A connection that is cut off, and an
    error of the proxy, are retried if the request is `repeatable`: twice is the same as once. A
    request that `resumes` (an event
    stream) continues where it was interrupted, so every lost connection is retried.
    """

    retries: int
    repeatable: bool = False
    resumes: bool = False
    retries_used: int = 0
    was_reached: bool = False

    def backoff_seconds(self, problem: PaperworksProblem, has_answered: bool) -> float:
        """Returns the seconds before the next attempt. Raises `problem` if it is final."""
        if isinstance(problem, ServiceUnreachable):
            self.was_reached = self.was_reached or has_answered or problem.is_cut_off
            is_lost = not problem.was_sent or (self.repeatable and problem.is_cut_off)
            is_retryable = self.resumes or (self.was_reached and is_lost)
            seconds = FIRST_BACKOFF_SECONDS * 2**self.retries_used
        else:
            is_lost = self.repeatable and problem.is_of_proxy
            is_retryable = problem.status in RETRYABLE_STATUSES or is_lost
            seconds = problem.retry_after_seconds
        if not is_retryable or self.retries_used >= self.retries:
            raise problem
        self.retries_used += 1
        return min(seconds, MAX_BACKOFF_SECONDS)
