"""Webhook requests to a server on loopback: signature, TLS, redirects, timeouts, refusals."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
import trustme
from standardwebhooks.webhooks import WebhookVerificationError

from actors.webhook_sender import WebhookSender
from domain.webhooks import DueDelivery, WebhookOptions, new_delivery_id, new_secret
from tests.webhook_receiver import Receiver, receiver

ANY = WebhookOptions(allow_private_addresses=True, timeout_seconds=5)
SECRET = new_secret()


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def due(url: str) -> DueDelivery:
    payload = {"type": "job.completed", "data": {"collection": "Müller"}}
    return DueDelivery(new_delivery_id(), "wh_1", 1, payload, url, SECRET)


async def loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_request_has_a_signature_that_the_reference_library_accepts(
    server: Receiver,
) -> None:
    one = due(f"{server.url}?token=a")
    outcome = await WebhookSender(ANY).send(one)
    assert (outcome.status, outcome.error, outcome.is_delivered) == (204, None, True)
    [request] = server.received
    assert request.path == "/papers?token=a"
    assert request.verified(SECRET) == one.payload
    assert request.delivery_id == one.delivery_id
    assert request.headers["content-type"] == "application/json"
    assert abs(time.time() - int(request.headers["webhook-timestamp"])) < 60
    with pytest.raises(WebhookVerificationError):
        request.verified(new_secret())
    with pytest.raises(WebhookVerificationError):
        replace(request, body=request.body + b" ").verified(SECRET)


async def test_old_attempt_is_rejected_by_the_reference_library(server: Receiver) -> None:
    await WebhookSender(ANY, clock=lambda: time.time() - 600).send(due(server.url))
    with pytest.raises(WebhookVerificationError, match="too old"):
        server.received[0].verified(SECRET)


async def test_redirect_is_not_followed(server: Receiver) -> None:
    with receiver() as target:
        server.statuses, server.headers = [307], [("Location", target.url)]
        outcome = await WebhookSender(ANY).send(due(server.url))
        assert (outcome.status, outcome.is_delivered) == (307, False)
        assert target.received == []


@pytest.mark.parametrize("status", [429, 503, 302])
async def test_endpoint_asks_for_a_pause(server: Receiver, status: int) -> None:
    server.statuses = [status]
    server.headers = [("rETRY-aFTER", "90"), ("Retry-After", "\xff")]
    outcome = await WebhookSender(ANY).send(due(server.url))
    assert (outcome.status, outcome.retry_after) == (status, 90)


async def test_proxy_of_the_environment_is_not_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await WebhookSender(ANY).send(due(server.url))).is_delivered
        assert proxy.received == [] and len(server.received) == 1


async def test_body_of_the_response_is_not_read(server: Receiver) -> None:
    server.statuses = [200]
    server.headers, server.body = [("Content-Length", str(2**40))], b"x" * 100_000
    assert (await WebhookSender(ANY).send(due(server.url))).is_delivered


async def test_slow_endpoint_is_a_failed_attempt(server: Receiver) -> None:
    server.answers.clear()
    outcome = await WebhookSender(ANY.model_copy(update={"timeout_seconds": 0.2})).send(
        due(server.url)
    )
    assert outcome.status is None and "within 0.2 s" in (outcome.error or "")


async def test_closed_port_is_a_failed_attempt() -> None:
    with receiver() as gone:
        url = gone.url
    outcome = await WebhookSender(ANY).send(due(url))
    assert outcome.status is None and "ConnectError" in (outcome.error or "")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n\0\xff" + b"x" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000,
        b"HTTP/1.1 99999 No\r\n\r\n",
    ],
    ids=["nothing", "SSH", "NUL", "endless headers", "status"],
)
async def test_answer_that_is_not_http_is_a_failed_attempt(answer: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(answer)
            await writer.drain()
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        outcome = await WebhookSender(ANY).send(due(f"http://127.0.0.1:{port}/"))
    assert outcome.status is None and outcome.error and outcome.error.isprintable()
    assert len(outcome.error) <= 300


async def test_private_address_is_refused_at_delivery(server: Receiver) -> None:
    sender = WebhookSender(WebhookOptions(), resolve=loopback)
    for url in (server.url, "https://127.0.0.1/", "https://lab.example/"):
        outcome = await sender.send(due(url))
        assert outcome.status is None and "Nothing was sent" in (outcome.error or ""), url
    assert server.received == []


# --- TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize(
    ("certified", "delivered"), [("lab.example", True), ("other.example", False)]
)
async def test_certificate_is_verified_for_the_host_name(
    authority: trustme.CA, certified: str, delivered: bool
) -> None:
    """The connection goes to an address; the name is that of the URL."""
    with receiver(server_context(authority, certified)) as server:
        url = server.url.replace("127.0.0.1", "lab.example")
        sender = WebhookSender(ANY, resolve=loopback, tls=client_context(authority))
        outcome = await sender.send(due(url))
        assert outcome.is_delivered is delivered
        if delivered:
            assert server.received[0].headers["host"].startswith("lab.example:")
        else:
            assert "certificate" in (outcome.error or "").lower()
            assert server.received == []


async def test_unknown_authority_is_a_failed_attempt(authority: trustme.CA) -> None:
    with receiver(server_context(authority, "lab.example")) as server:
        url = server.url.replace("127.0.0.1", "lab.example")
        outcome = await WebhookSender(ANY, resolve=loopback).send(due(url))
        assert outcome.status is None and server.received == []
