"""Requests of the HTTP API as values, and `Endpoint`, which makes them methods of both clients."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import IO, Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from domain.labels import upload_label
from serve_app.schemas.core import CLOSED, OPENED, Event

IDEMPOTENCY_KEY = "Idempotency-Key"
P = ParamSpec("P")
Body = TypeVar("Body")
SomeEvent = TypeVar("SomeEvent", bound=Event)


@dataclass(frozen=True, slots=True)
class PdfFile:
    """A file to upload: a path, or bytes with a file name."""

    name: str
    content: Path | bytes

    @classmethod
    def of(cls, source: Path | str | bytes | PdfFile, name: str | None = None) -> PdfFile:
        """Returns the file at a path, these bytes under `name`, or the file itself.

        The name is sent as a label: UTF-8 has no form for a file name in another encoding.
        """
        if isinstance(source, PdfFile):
            return source
        if isinstance(source, bytes):
            return cls(upload_label(name), source)
        return cls(upload_label(name or Path(source).name), Path(source))

    def open(self, open_files: ExitStack) -> bytes | IO[bytes]:
        """Returns the bytes, or the file, which `open_files` closes."""
        if isinstance(self.content, bytes):
            return self.content
        return open_files.enter_context(self.content.open("rb"))


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[Body]):
    """A request; `parse` converts the body of its response. Parameters that are None are left out.

    `changes_nothing`: a request without effect although its method is not GET.

    `model_validate_json` of a schema, `bytes.decode` and `bytes` are such functions.
    """

    path: str
    parse: Callable[[bytes], Body]
    params: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, PdfFile], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    changes_nothing: bool = False

    @property
    def is_repeatable(self) -> bool:
        """True if sending the request twice has the same effect as sending it once."""
        return self.method == "GET" or self.changes_nothing or IDEMPOTENCY_KEY in self.headers

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """Yields the keyword arguments of `httpx.Client.request`.

        Files are opened for each attempt, so that a retry sends them from the start.
        """
        with ExitStack() as open_files:
            files = [
                (field_name, (file.name, file.open(open_files), "application/pdf"))
                for field_name, file in self.files
            ]
            yield {
                "params": {name: value for name, value in self.params.items() if value is not None},
                "headers": self.headers,
                "json": self.json,
                "data": self.form or None,
                "files": files or None,
            }


@dataclass(slots=True)
class EventStream(Generic[SomeEvent]):
    """Events over one or more connections, each after the last event received.

    `last_id` is the id of that event, empty for a stream that begins with the next event.
    """

    path: str
    model: type[SomeEvent]
    last_id: str = ""
    is_closed: bool = False
    _fields: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """Request headers; the service sends the events after Last-Event-ID."""
        resumed = {"Last-Event-ID": self.last_id} if self.last_id else {}
        return {"Accept": "text/event-stream", **resumed}

    def parse_line(self, line: str) -> SomeEvent | None:
        """Returns the event that this line completes, if any: an empty line ends an event.

        The service sends each field of an event on one line.
        """
        if line:
            name, _, value = line.partition(": ")
            self._fields[name] = value
            return None
        fields, self._fields = self._fields, {}
        name, self.last_id = fields.get("event"), fields.get("id", self.last_id)
        self.is_closed = name == CLOSED
        if "data" not in fields or name in (OPENED, CLOSED):
            return None
        return self.model.model_validate_json(fields["data"])


class Sender(Protocol):
    """A synchronous client."""

    def send(self, request: ApiRequest[Body]) -> Body: ...


class AsyncSender(Protocol):
    """A client for asyncio."""

    async def send(self, request: ApiRequest[Body]) -> Body: ...


class Endpoint(Generic[P, Body]):
    """Decorator: makes a function that returns a request a method that sends it.

    The method takes the arguments of the function. It returns the parsed body of the response, or
    in a client for asyncio a coroutine of it. It raises PaperworksProblem, ServiceUnreachable.
    """

    def __init__(self, request: Callable[Concatenate[Any, P], ApiRequest[Body]]) -> None:
        self.request = request
        self.__doc__ = request.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Sender, owner: type) -> Callable[P, Body]: ...
    @overload
    def __get__(
        self, client: AsyncSender, owner: type
    ) -> Callable[P, Coroutine[Any, Any, Body]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        @wraps(self.request)
        def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self.request(client, *args, **kwargs))

        return send
