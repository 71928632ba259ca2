"""Messages between the parent and the warm process; both are trusted and parse no PDF."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Any

from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import Limits

CHILD_PID = struct.Struct("!i")
EXIT_INFO = struct.Struct("!iqd")  # the fields of limits.ExitInfo
_LENGTH = struct.Struct("!Q")
_CHUNK_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Request:
    """A call: a function by name, its arguments, and the type of its result."""

    work: str
    arguments: tuple[Any, ...]
    returns: Any
    limits: Limits
    mode: SandboxMode = SandboxMode.AUTO
    may_start_programs: bool = False


def send_message(connection: socket.socket, data: bytes) -> None:
    """Sends the bytes, prefixed with their length."""
    connection.sendall(_LENGTH.pack(len(data)))
    connection.sendall(data)


def receive_message(connection: socket.socket) -> bytes:
    """Returns the bytes sent by `send_message`. Raises EOFError if the other end is closed."""
    return receive_exactly(connection, *_LENGTH.unpack(receive_exactly(connection, _LENGTH.size)))


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """Returns exactly `size` bytes. Raises EOFError if the other end is closed before."""
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(size - len(data), _CHUNK_BYTES))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
