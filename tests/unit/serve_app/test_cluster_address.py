"""The address of a Ray cluster that is joined."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from runtime.ports import free_port
from serve_app.process.cluster_address import host_and_port, wait_until_cluster_listens
from serve_app.process.readiness import NotReady


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("head:6379", ("head", 6379)),
        ("127.0.0.1:6379", ("127.0.0.1", 6379)),
        ("[::1]:6379", ("::1", 6379)),
        ("auto", ("", 0)),
        ("local", ("", 0)),
        ("head", ("", 0)),
        ("head:port", ("", 0)),
        ("ray://head:10001", ("", 0)),
    ],
)
def test_host_and_port_of_address(address: str, parts: tuple[str, int]) -> None:
    assert host_and_port(address) == parts


def test_missing_cluster_is_reported_with_its_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(NotReady, match=f"listens at {address}.*are kept.*ray.address"):
        wait_until_cluster_listens(address, within_seconds=0.3)


@pytest.mark.parametrize("error", [socket.gaierror("unknown"), UnicodeError("label too long")])
def test_host_without_address_is_reported(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotReady, match="listens at head:6379"):
        wait_until_cluster_listens("head:6379", within_seconds=0.3)


def test_cluster_that_starts_meanwhile_is_found() -> None:
    port = free_port()

    def listen_later() -> None:
        time.sleep(0.5)
        server.bind(("127.0.0.1", port))
        server.listen()

    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        starting = threading.Thread(target=listen_later)
        starting.start()
        wait_until_cluster_listens(f"127.0.0.1:{port}", within_seconds=60)
        starting.join()


def test_address_that_only_ray_knows_is_not_checked() -> None:
    wait_until_cluster_listens("auto", within_seconds=0)
