"""What the parent and the warm process say to each other; both are trusted, and read no PDF."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Any

from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import Limits

CHILD = struct.Struct("!i")  # the child's process id
ENDING = struct.Struct("!iqd")  # the fields of limits.Ending
_LENGTH = struct.Struct("!Q")
_PIECE = 1024**2


@dataclass(frozen=True, slots=True)
class Request:
    """A piece of work: a function by name, its arguments, the type of what it returns."""

    work: str
    arguments: tuple[Any, ...]
    returns: Any
    limits: Limits
    mode: SandboxMode = SandboxMode.AUTO
    may_start_programs: bool = False


def send_message(connection: socket.socket, data: bytes) -> None:
    """Sends the bytes with their length, between the parent and the warm process."""
    connection.sendall(_LENGTH.pack(len(data)))
    connection.sendall(data)


def receive_message(connection: socket.socket) -> bytes:
    """What `send_message` sent. Raises EOFError when the other end is closed."""
    return receive_exactly(connection, *_LENGTH.unpack(receive_exactly(connection, _LENGTH.size)))


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes. Raises EOFError when the other end is closed before."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), _PIECE))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
