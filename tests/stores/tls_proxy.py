"""A TLS proxy in front of PostgreSQL, because the embedded server is built without OpenSSL.

It responds to the SSLRequest of the protocol (PostgreSQL manual, 54.2.11), performs the TLS
handshake as a server, and forwards the bytes in plain text.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

SSL_REQUEST = struct.pack("!ll", 8, 80877103)


class TlsProxy:
    """Counts encrypted and plain sessions; listens on the loopback port `port`."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        self.target = target
        self.context = context
        self.encrypted = 0
        self.plain = 0
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[TlsProxy]:
        """Runs the proxy until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(8)
            if first == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self.context)
                self.encrypted += 1
                first = b""
            else:
                self.plain += 1
            inner, outer = await asyncio.open_connection("127.0.0.1", self.target)
            outer.write(first)
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
        writer.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
