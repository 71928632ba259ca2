"""Clients and servers of `paperworks mcp`, over stdio and over HTTP."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from serve_app.client import Client
from tests.paths import ROOT
from tests.service import clean_environment

COMMAND = ("-m", "serve_app.cli.main", "mcp")
TIMEOUT_SECONDS = 120.0
READY = "The MCP server is ready: "
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPTED = {"Accept": "application/json, text/event-stream"}


def add_paper(client: Client, paper: bytes, collection: str) -> str:
    """Returns the id of a paper that has been read completely."""
    accepted = client.upload(paper, collection, filename="study.pdf")
    assert client.wait(accepted.job_id, TIMEOUT_SECONDS).status == "completed"
    return accepted.document_id


def over_stdio(url: str) -> McpClient:
    environment = clean_environment()
    return McpClient(
        StdioServerParameters(
            command=sys.executable, args=[*COMMAND, "--url", url], env=environment, cwd=ROOT
        )
    )


@asynccontextmanager
async def over_http(
    url: str, key: str | None = None, mode: str = "auto"
) -> AsyncIterator[McpClient]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http_client:
        transport = streamable_http_client(url, http_client=http_client)
        async with McpClient(transport, mode=mode) as client:
            yield client


@contextmanager
def http_server(service_url: str, *options: str) -> Iterator[str]:
    """Yields the address of an MCP server on a free port."""
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--url", service_url, "--http", "--port", "0", *options],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=clean_environment(),
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith(READY), line
        yield line.removeprefix(READY).strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT_SECONDS)


async def call(client: McpClient, tool: str, **arguments: Any) -> Any:
    """Returns the structured result of a tool."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def error_of(client: McpClient, tool: str, **arguments: Any) -> str:
    """Returns the text of the error of a tool."""
    result = await client.call_tool(tool, arguments)
    [content] = result.content
    assert result.is_error and isinstance(content, TextContent)
    return content.text
