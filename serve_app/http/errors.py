"""Errors of the HTTP layer: raised by the protocol, the middleware or the framework."""

from __future__ import annotations

from domain.errors import InvalidRequest, NotFound, PaperworksError, Unavailable


class MalformedJson(InvalidRequest):
    """The body is not valid JSON. `detail` has the position of the error; correct it and send it
    again."""

    code = "malformed_json"


class UnknownRoute(NotFound):
    """There is no such route; see /docs for the available routes."""

    code = "unknown_route"


class RangeNotSatisfiable(InvalidRequest):
    """The range begins behind the end of the file. Content-Range has its size; ask for less."""

    code = "range_not_satisfiable"


class MethodNotAllowed(InvalidRequest):
    """The route does not support that method; the header Allow lists the supported methods."""

    code = "method_not_allowed"


class HttpError(InvalidRequest):
    """The HTTP framework rejected the request; the status and `detail` have the reason."""

    code = "http_error"


class ClientDisconnected(InvalidRequest):
    """The upload was cut off; nothing was kept. Send it again."""

    code = "client_disconnected"


class InvalidHost(InvalidRequest):
    """The request has no Host header, several, or an invalid one. Send one valid Host header."""

    code = "invalid_host"


class UnknownHost(InvalidRequest):
    """The service does not accept this Host header. Use the address that `paperworks up` prints, or
    add the name to http.hosts."""

    code = "unknown_host"


class CrossSiteRequest(InvalidRequest):
    """A web page of another origin must not change the library. Nothing was changed. If the origin
    is yours, add it to http.origins."""

    code = "cross_site_request"


class Overloaded(PaperworksError):
    """The service already handles the maximum number of requests of this class. Nothing of this
    request was read or kept; send it again after the time in Retry-After."""

    code, category, retryable = "overloaded", "request", True
    retry_after_seconds = 2


class RequestTimeout(InvalidRequest):
    """The request arrived too slowly and was cancelled; nothing of it was kept. Send it again over
    a faster connection, or raise http.body_piece_seconds."""

    code = "request_timeout"


class BodyTooLarge(InvalidRequest):
    """The body is larger than this route accepts; nothing of it was kept. Send a smaller body."""

    code = "body_too_large"


class HeadersTooLarge(InvalidRequest):
    """The request line and the headers are longer than http.header_limit_bytes. Send fewer or
    shorter headers."""

    code = "headers_too_large"


class InsufficientStorage(Unavailable):
    """The disk has less free space than http.keep_free_bytes, so uploads are rejected. Accepted
    uploads are kept. Free disk space or delete papers, then send the file again."""

    code = "insufficient_storage"
    retry_after_seconds = 60
