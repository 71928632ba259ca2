"""Sends one signed webhook request."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpcore
import httpx

from domain.errors import RefusedWebhookUrl
from domain.webhook_urls import check_url
from domain.webhooks import DueDelivery, Outcome, WebhookOptions, retry_after, signature
from runtime.guarded_network import GuardedNetwork, Resolve, resolver

MAX_ERROR_CHARACTERS = 300
LOOKUPS = 8  # concurrent lookups of host names; a lookup outlives the attempt that timed out
NETWORK_ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


class WebhookSender:
    """Sends deliveries over new connections, without proxies, redirects and cookies.

    The body of a response is not read: the connection is closed after the headers.
    """

    def __init__(
        self,
        options: WebhookOptions,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options = options
        self.clock = clock
        resolve = resolve or resolver(ThreadPoolExecutor(LOOKUPS, "webhook-lookup"))
        allow_private = options.allow_private_addresses
        self.connections = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(),
            max_keepalive_connections=0,
            network_backend=GuardedNetwork(resolve, allow_private=allow_private),
        )

    async def send(self, due: DueDelivery) -> Outcome:
        """Returns the outcome of one attempt, within `timeout_seconds`."""
        try:
            url = check_url(due.url, allow_private=self.options.allow_private_addresses)
            async with asyncio.timeout(self.options.timeout_seconds):
                return await self._post(url, due)
        except RefusedWebhookUrl as refused:
            return Outcome(error=refused.message)
        except TimeoutError:
            seconds = self.options.timeout_seconds
            return Outcome(error=f"There was no response within {seconds:g} s.")
        except NETWORK_ERRORS as error:
            return Outcome(error=_described(error))

    async def _post(self, url: str, due: DueDelivery) -> Outcome:
        body = json.dumps(due.payload, separators=(",", ":")).encode()
        headers = list(self._headers(due, body).items())
        async with self.connections.stream("POST", url, headers=headers, content=body) as response:
            return Outcome(response.status, retry_after=self._retry_after(response))

    def _retry_after(self, response: httpcore.Response) -> float:
        given = (value for name, value in response.headers if name.lower() == b"retry-after")
        return retry_after(next(given, b"").decode("latin-1"), self.clock())

    def _headers(self, due: DueDelivery, body: bytes) -> dict[str, str]:
        """Returns the headers of the specification; each attempt has its own timestamp."""
        timestamp = int(self.clock())
        return {
            "Content-Type": "application/json",
            "User-Agent": "paperworks",
            "webhook-id": due.delivery_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(due.secret, due.delivery_id, timestamp, body),
        }


def _described(error: Exception) -> str:
    """Returns the error as one line of limited length; it may quote what the endpoint sent."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return "".join(filter(str.isprintable, text))[:MAX_ERROR_CHARACTERS]
