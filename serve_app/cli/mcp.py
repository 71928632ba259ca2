"""`paperworks mcp`: serves the library to programs that speak the Model Context Protocol."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from serve_app.cli.common import Home, Url, print_error, print_line
from serve_app.process.address import service_url
from serve_app.process.stored_keys import key_for

MCP_PACKAGES = ("mcp", "mcp_types")
Http = Annotated[
    bool, typer.Option("--http", help="Streamable HTTP instead of stdio; clients send their keys.")
]
Host = Annotated[str, typer.Option(help="With --http: address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="With --http: port; 0: any free port.")]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        help="With --http: name that clients use for this machine, besides --host and loopback; "
        "may be repeated.",
    ),
]


def mcp(
    url: Url = None,
    home: Home = None,
    http: Http = False,
    host: Host = "127.0.0.1",
    port: Port = 8001,
    allowed_host: AllowedHosts = None,
) -> None:
    """Serve the library to MCP clients, such as Claude Desktop: search, read, tables, citations.

    Without --http it speaks over stdin and stdout and uses the key of this command line.

    With --http each client sends its own key: Authorization: Bearer pw_...

    Example: paperworks mcp --http --port 8765
    """
    address = service_url(url, home, os.environ)
    try:
        if http:
            _run(_http_server(address, host, port, allowed_host or []))
        else:
            _run(_stdio_server(address, key_for(address, home, os.environ)))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in MCP_PACKAGES:
            raise
        print_error("The package mcp is missing. Install it: pip install 'paperworks[mcp]'")
        raise typer.Exit(1) from error


def _run(serving: Coroutine[Any, Any, None]) -> None:
    """Runs the server until it ends; Ctrl-C ends a server over HTTP with code 130."""
    try:
        asyncio.run(serving)
    except KeyboardInterrupt as stopped:
        raise typer.Exit(130) from stopped


def _stdio_server(address: str, key: str | None) -> Coroutine[Any, Any, None]:
    from integrations.mcp_server import serve_stdio

    # A thread waits for stdin: only the default action of SIGINT ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return serve_stdio(address, key)


def _http_server(
    address: str, host: str, port: int, allowed_hosts: list[str]
) -> Coroutine[Any, Any, None]:
    """Returns the server, which listens already."""
    from integrations.mcp_server import serve_http
    from serve_app.process.refusals import LOOPBACK

    is_local = host in LOOPBACK
    if not is_local:
        _require_keys(address, host)
    listener = _listener(host, port)
    name = f"[{host}]" if ":" in host else host
    print_line(f"The MCP server is ready: http://{name}:{listener.getsockname()[1]}/mcp")
    sys.stdout.flush()
    return serve_http(address, listener, names=[name, *allowed_hosts], is_local=is_local)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        print_error(f"The MCP server cannot listen on {host}, port {port}: {error.strerror}.")
        raise typer.Exit(1) from error


def _require_keys(address: str, host: str) -> None:
    """Exits with code 1 if the service answers without a key, or does not answer."""
    from domain.access import UNLIMITED
    from serve_app.client import Client, PaperworksProblem

    try:
        with Client(address) as client:
            access = client.access()
    except PaperworksProblem as problem:
        if problem.code == "unauthenticated":
            return
        print_error(problem.detail)
        raise typer.Exit(1) from problem
    if access.actor == UNLIMITED.actor:
        print_error(
            f"{host} can be reached from other machines, and the service at {address} requires no "
            "keys. Start it with PAPERWORKS_HTTP__AUTH=required, or use --host 127.0.0.1."
        )
        raise typer.Exit(1)
