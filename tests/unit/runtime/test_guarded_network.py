"""Guarded connections: checked addresses only, also if a name resolves to another one later."""

from __future__ import annotations

from collections.abc import Sequence

import httpcore
import pytest

from domain.errors import RefusedWebhookUrl
from runtime.guarded_network import GuardedNetwork

PUBLIC, OTHER, PRIVATE = "93.184.215.14", "2606:4700::1111", "10.0.0.1"


class NoStream(httpcore.AsyncNetworkStream):
    """A connection that is never used."""


class RecordedNetwork(httpcore.AsyncNetworkBackend):
    """Records the addresses of connections; refuses those of `closed`."""

    def __init__(self, closed: Sequence[str] = ()) -> None:
        self.closed = closed
        self.asked: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: object, **__: object):
        self.asked.append(host)
        if host in self.closed:
            raise httpcore.ConnectError("refused")
        return NoStream()


class Answers:
    """A resolver with one answer after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


def guarded(
    resolve: Answers, network: RecordedNetwork, *, allow_private: bool = False
) -> GuardedNetwork:
    return GuardedNetwork(resolve, allow_private=allow_private, network=network)


@pytest.mark.parametrize(
    "addresses", [[PRIVATE], [PUBLIC, PRIVATE], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
)
async def test_host_with_a_private_address_is_refused(addresses: list[str]) -> None:
    network = RecordedNetwork()
    with pytest.raises(RefusedWebhookUrl, match=r"lab\.example"):
        await guarded(Answers(addresses), network).connect_tcp("lab.example", 443)
    assert network.asked == []


async def test_connection_goes_to_the_checked_address() -> None:
    """A name that is public when it is checked and private afterwards is looked up only once."""
    network, answers = RecordedNetwork(), Answers([PUBLIC], [PRIVATE])
    connections = guarded(answers, network)
    assert isinstance(await connections.connect_tcp("lab.example", 443), NoStream)
    assert (network.asked, answers.asked) == ([PUBLIC], [("lab.example", 443)])
    with pytest.raises(RefusedWebhookUrl):
        await connections.connect_tcp("lab.example", 443)
    assert network.asked == [PUBLIC]


async def test_next_address_is_tried_if_the_first_does_not_accept() -> None:
    network = RecordedNetwork(closed=[PUBLIC])
    await guarded(Answers([PUBLIC, OTHER]), network).connect_tcp("lab.example", 443)
    assert network.asked == [PUBLIC, OTHER]
    with pytest.raises(httpcore.ConnectError):
        await guarded(Answers([PUBLIC]), network).connect_tcp("lab.example", 443)


async def test_private_address_is_used_if_allowed() -> None:
    network = RecordedNetwork()
    await guarded(Answers([PRIVATE]), network, allow_private=True).connect_tcp("lab", 80)
    assert network.asked == [PRIVATE]


async def test_host_without_an_address_is_a_connection_error() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    for resolve in (unknown, Answers([])):
        connections = GuardedNetwork(resolve, allow_private=False, network=RecordedNetwork())
        with pytest.raises(httpcore.ConnectError, match=r"lab\.example"):
            await connections.connect_tcp("lab.example", 443)
