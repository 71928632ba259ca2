"""Allocation of loopback ports for servers."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import ports


def set_ephemeral_range(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None) -> None:
    """Sets the ephemeral port range that the kernel reports; None: no such file."""
    file = tmp_path / "ip_local_port_range"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(ports, "EPHEMERAL_RANGE", file)


def test_free_port_is_below_ephemeral_range(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_ephemeral_range(monkeypatch, tmp_path, "32768\t60999\n")
    assert all(20_000 <= ports.free_port() < 32_768 for _ in range(20))


def test_free_port_is_reserved_and_usable_by_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    free = ports.free_port()
    monkeypatch.setattr(ports, "LOWEST", free)
    set_ephemeral_range(monkeypatch, tmp_path, f"{free + 1}\t60999")
    assert not ports.is_listening(free)
    assert ports.port_or_free(free) == free
    assert ports.free_port() != free
    with socket.create_server(("127.0.0.1", free)):
        assert ports.is_listening(free)
        assert ports.port_or_free(free) != free


def test_free_port_is_reserved_across_processes() -> None:
    free = ports.free_port()
    code = (
        "from runtime import ports;"
        f"ports.LOWEST = {free}; ports._lowest_ephemeral_port = lambda: {free + 1};"
        "print(ports.free_port())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().isdigit(), done.stderr
    assert int(done.stdout) != free


def test_preferred_port_is_given_to_one_process_at_a_time() -> None:
    preferred = ports.free_port()
    code = f"from runtime import ports; print(ports.port_or_free({preferred}), flush=True); input()"
    program = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout
        assert int(other.stdout.readline()) == preferred
        assert ports.port_or_free(preferred) != preferred  # although no server listens yet
        other.communicate("\n")
    assert ports.port_or_free(preferred) == preferred


@pytest.mark.parametrize("text", ["1024\t65535", "", None])
def test_free_port_without_reserved_range_uses_any_port(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    set_ephemeral_range(monkeypatch, tmp_path, text)
    with socket.create_server(("127.0.0.1", ports.free_port())):
        pass
