"""Refusals that no route makes: they come from the protocol, the middleware or the framework."""

from __future__ import annotations

from domain.errors import InvalidRequest, NotFound, PaperworksError, Unavailable


class MalformedJson(InvalidRequest):
    """The body is not JSON. Correct it at the character that `detail` names."""

    code = "malformed_json"


class UnknownRoute(NotFound):
    """There is nothing at that path; /docs lists what there is."""

    code = "unknown_route"


class MethodNotAllowed(InvalidRequest):
    """The path exists and does not answer that method; the header Allow names one that it does."""

    code = "method_not_allowed"


class HttpError(InvalidRequest):
    """The HTTP framework refused the request; the status and `detail` say why."""

    code = "http_error"


class ClientDisconnected(InvalidRequest):
    """The upload was cut off; nothing was kept. Send it again."""

    code = "client_disconnected"


class InvalidHost(InvalidRequest):
    """The request has no Host header, or several, or one that is no host name. Send one."""

    code = "invalid_host"


class UnknownHost(InvalidRequest):
    """The Host header names a machine that this service does not answer for. Use the address that
    `paperworks up` prints, or add the name to http.hosts."""

    code = "unknown_host"


class CrossSiteRequest(InvalidRequest):
    """A page of another origin may not change the library. Nothing was done. Add the origin to
    http.origins when it is yours."""

    code = "cross_site_request"


class Overloaded(PaperworksError):
    """The service works on as many requests of this class as it admits at once. Nothing of this
    request was read or kept; send it again after the time in Retry-After."""

    code, category, retryable = "overloaded", "request", True
    retry_after_seconds = 2


class RequestTimeout(InvalidRequest):
    """The request came too slowly and was cut off; nothing of it was kept. Send it again over a
    faster connection, or raise http.body_piece_seconds."""

    code = "request_timeout"


class BodyTooLarge(InvalidRequest):
    """The body is larger than this route accepts; nothing of it was kept."""

    code = "body_too_large"


class HeadersTooLarge(InvalidRequest):
    """The request line and the headers are longer than http.header_limit_bytes. Send fewer or
    shorter headers."""

    code = "headers_too_large"


class InsufficientStorage(Unavailable):
    """The disk has less free space than http.keep_free_bytes, so uploads are refused; what was
    accepted is kept. Free some space or delete papers, then send the file again."""

    code = "insufficient_storage"
    retry_after_seconds = 60
