"""An actor that embeds queries, in a module that Ray's workers can import."""

from __future__ import annotations

import os
import time

import numpy as np

from runtime.local_calls import LocalServer

BY_RAY, BY_SOCKET = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
SLOW, FAILS = "a slow query", "a query that fails on the socket"


class QueryActor:
    """Returns another vector on the socket than for a call of Ray."""

    def __init__(self, *, has_socket: bool = True) -> None:
        self.server = LocalServer(self._encoded)
        self.has_socket = has_socket

    def encode_query(self, _text: str) -> np.ndarray:
        """Returns BY_RAY."""
        return BY_RAY

    def query_address(self) -> str:
        """Returns the address of the socket."""
        return self.server.address if self.has_socket else ""

    def pid(self) -> int:
        """Returns the process id."""
        return os.getpid()

    def _encoded(self, request: bytes) -> bytes:
        if request.decode() == SLOW:
            time.sleep(60)
        if request.decode() == FAILS:
            raise ValueError(FAILS)
        return BY_SOCKET.tobytes()
