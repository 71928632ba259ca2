"""TCP connections for requests whose URL a user chose: only to public addresses, unless allowed.

The host is resolved once per connection, every address is checked, and the connection goes to one
of the checked addresses. A name that resolves to another address later (DNS rebinding) therefore
changes nothing. TLS still verifies the certificate for the host name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from ipaddress import ip_address
from typing import cast

import httpcore

from domain.webhook_urls import is_public, not_public

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host."""


def resolver(executor: Executor) -> Resolve:
    """Returns a resolver that runs getaddrinfo in the executor.

    A lookup blocks its thread until the name server answers, also after a timeout of the caller.
    """

    async def resolve(host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(executor, _lookup, host, port)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    return resolve


def _lookup(host: str, port: int) -> Sequence[tuple]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves and checks a host, and connects to its first address that accepts.

    `connect_tcp` raises RefusedWebhookUrl if any address of the host is not public.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        allow_private: bool,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self.resolve = resolve
        self.allow_private = allow_private
        self.network = network or cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._checked(host, port)
        for address in addresses[:-1]:
            try:
                return await self.network.connect_tcp(address, port, timeout=timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self.network.connect_tcp(addresses[-1], port, timeout=timeout)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the host {host} was not found") from error
        if not addresses:
            raise httpcore.ConnectError(f"the host {host} has no address")
        if not self.allow_private and not all(is_public(ip_address(one)) for one in addresses):
            raise not_public(host)
        return addresses
