"""Errors of access control."""

from __future__ import annotations

from domain.errors import InvalidRequest, PaperworksError


class Unauthenticated(InvalidRequest):
    """The request needs a valid API key. Send it as `Authorization: Bearer KEY`, or sign in. A key
    that was revoked or has expired is not valid."""

    code = "unauthenticated"


class Forbidden(InvalidRequest):
    """The API key does not include the scope that this request needs. Nothing was changed. Use a
    key with that scope."""

    code = "forbidden"


class MissingCsrfToken(InvalidRequest):
    """The request of a signed-in browser lacks the token of its page. Nothing was changed. Load the
    page again."""

    code = "missing_csrf_token"


class RateLimited(PaperworksError):
    """The client sent more requests than are allowed per minute. Nothing of this request was read
    or kept. Send it again after the time in Retry-After."""

    code, category, retryable = "rate_limited", "backpressure", True
    retry_after_seconds = 60

    def __init__(self, message: str | None = None, retry_after_seconds: int = 60) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds  # pyright: ignore[reportAttributeAccessIssue]
