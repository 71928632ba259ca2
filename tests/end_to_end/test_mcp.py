"""`paperworks mcp` over stdio and over HTTP, used with the client of the mcp package."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from serve_app.client import Client
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import DOSES, STUDY, Part, make_paper, make_study
from tests.pdf_builder.random_papers import python_docs_paragraphs
from tests.service import ROOT, RunningService, clean_environment, ready_service

pytestmark = pytest.mark.timeout(600)
COMMAND = ("-m", "serve_app.cli.main", "mcp")
TIMEOUT_SECONDS = 120.0
LONG_TITLE = "A Long Report on Silver in Many Flasks"
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


@pytest.fixture(scope="module")
def closed(homes: Path, converted_models: Path) -> Iterator[RunningService]:
    """A service that requires keys."""
    environment = {"PAPERWORKS_HTTP__AUTH": "required"}
    with ready_service(homes / "closed-mcp", converted_models, **environment) as running:
        yield running


@pytest.fixture
def admin(closed: RunningService) -> Iterator[Client]:
    """A client of the closed service that may do everything."""
    with Client(closed.url, (closed.home / "api_key").read_text()) as client:
        yield client


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


async def test_tools_are_described_and_read_only(service: RunningService) -> None:
    async with over_stdio(service.url) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        names = {"search", "list_papers", "read_paper", "get_table", "cite", "list_collections"}
        assert set(tools) == names
        for tool in tools.values():
            assert tool.description and tool.output_schema
            assert tool.annotations and tool.annotations.read_only_hint
        properties = tools["search"].input_schema["properties"]
        filters = {"author", "year_first", "year_last", "sections", "tag"}
        assert set(properties) == {"query", "collection", "mode", "limit"} | filters
        assert all(field["description"] for field in properties.values())


async def test_search_returns_passages_with_pages_and_boxes(
    service: RunningService, library: Client, collection: str
) -> None:
    name = add_paper(library, make_study(), collection)
    async with over_stdio(service.url) as client:
        question = "what quenches the reaction"
        answer = await call(client, "search", query=question, collection=collection, limit=2)
        strange = await call(
            client, "search", query="parliament elections in 1848", collection=collection
        )
    [first, *others] = answer["passages"]
    assert len(others) <= 1 and answer["nothing_fits"] is not None
    assert (first["document_id"], first["title"]) == (name, STUDY)
    assert first["authors"] == ["Ada Lovelace", "Grace Hopper"]
    assert "copper spoon" in first["text"] and first["section"] == "Conclusion"
    hit = library.search(question, collection=collection, limit=1).hits[0]
    assert first["relevance"] == hit.relevance
    assert first["boxes"] == [box.model_dump() for box in hit.boxes]
    assert first["page_first"] <= first["boxes"][0]["page"] <= first["page_last"]
    assert strange["nothing_fits"] is True


async def test_paper_is_listed_read_by_section_and_cited(
    service: RunningService, library: Client, collection: str
) -> None:
    name = add_paper(library, make_study(), collection)
    async with over_stdio(service.url) as client:
        listed = await call(client, "list_papers", collection=collection, text="lovelace")
        assert [paper["document_id"] for paper in listed["papers"]] == [name]
        assert (listed["papers"][0]["status"], listed["next_cursor"]) == ("ready", None)
        later = await call(client, "list_papers", collection=collection, year_first=3000)
        assert later["papers"] == []
        reading = await call(client, "read_paper", document_id=name)
        assert (reading["paper"]["tables"], reading["section"]) == (1, None)
        numbers = {section["heading"]: section["number"] for section in reading["sections"]}
        assert set(numbers) >= {"", "Abstract", "1 Introduction", "4 Conclusion", "References"}
        conclusion = numbers["4 Conclusion"]
        reading = await call(client, "read_paper", document_id=name, section=conclusion)
        assert "A copper spoon quenches" in reading["section"]["text"]
        assert "Table 1 lists" not in reading["section"]["text"]
        assert reading["section"]["next_offset"] is None
        for style, start in (("bibtex", "@"), ("ris", "TY  -"), ("csl", "[")):
            citation = await call(client, "cite", document_id=name, style=style)
            assert citation["text"].startswith(start) and "Silver" in citation["text"]
        collections = (await call(client, "list_collections"))["collections"]
    assert {"name": collection, "documents": 1} in collections


async def test_papers_are_listed_page_by_page(
    service: RunningService, library: Client, collection: str, small_papers: list[Path]
) -> None:
    accepted = library.upload_many(small_papers[:3], collection)
    assert library.wait(accepted.job_id, TIMEOUT_SECONDS).status == "completed"
    found, cursor = [], None
    async with over_stdio(service.url) as client:
        while True:
            page = await call(client, "list_papers", collection=collection, limit=2, cursor=cursor)
            found += [paper["document_id"] for paper in page["papers"]]
            if (cursor := page["next_cursor"]) is None:
                break
    assert len(found) == len(set(found)) == 3


async def test_long_section_is_read_completely_in_pages(
    service: RunningService, library: Client, collection: str
) -> None:
    parts = [Part("1 Introduction", [LOREM]), Part("2 Methods", python_docs_paragraphs()[:150])]
    name = add_paper(library, make_paper(LONG_TITLE, parts), collection)
    blocks = library.paper(name).blocks
    methods = next(block.section for block in blocks if block.text.startswith("2 Methods"))
    assert methods is not None
    expected = "\n\n".join(block.text for block in blocks if block.section == methods)
    text, offset, pages = "", 0, 0
    async with over_stdio(service.url) as client:
        while offset is not None:
            reading = await call(
                client, "read_paper", document_id=name, section=methods + 1, offset=offset
            )
            section = reading["section"]
            assert (section["offset"], section["characters"]) == (offset, len(expected))
            text, offset, pages = text + section["text"], section["next_offset"], pages + 1
    assert text == expected and pages > 1


async def test_table_has_caption_header_and_rows(
    service: RunningService, library: Client, collection: str
) -> None:
    name = add_paper(library, make_study(), collection)
    async with over_stdio(service.url) as client:
        table = await call(client, "get_table", document_id=name, number=1)
        missing = await error_of(client, "get_table", document_id=name, number=2)
    assert table["caption"] == "Yield of each plant by its dose, in percent."
    assert table["header"] == [list(DOSES[0])]
    assert table["rows"] == [list(row) for row in DOSES[1:]]
    assert "The document has no table 2; it has 1." in missing


async def test_problem_of_service_is_a_tool_error(
    service: RunningService, library: Client, collection: str
) -> None:
    name = add_paper(library, make_study(), collection)
    async with over_stdio(service.url) as client:
        unknown = await error_of(client, "read_paper", document_id="doc_" + "0" * 24)
        section = await error_of(client, "read_paper", document_id=name, section=99)
        limit = await error_of(client, "search", query="silver", limit=1000)
    assert "document" in unknown and "0" * 24 in unknown
    assert "The paper has no section 99; its sections: 0, 1, 2" in section
    assert "limit" in limit


async def test_unreachable_service_is_a_tool_error(unused_tcp_port: int) -> None:
    async with over_stdio(f"http://127.0.0.1:{unused_tcp_port}") as client:
        assert "No service answers at" in await error_of(client, "list_collections")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_key_of_caller_limits_collections_over_http(
    closed: RunningService, admin: Client, collection: str, mode: str
) -> None:
    other = f"{collection}-other"
    name, hidden = (add_paper(admin, make_study(), place) for place in (collection, other))
    key = admin.create_key("mcp", ["search"], [collection]).token
    with http_server(closed.url) as url:
        async with over_http(url, key, mode) as client:
            collections = (await call(client, "list_collections"))["collections"]
            assert [entry["name"] for entry in collections] == [collection]
            papers = (await call(client, "list_papers"))["papers"]
            assert [paper["document_id"] for paper in papers] == [name]
            passages = (await call(client, "search", query="copper spoon"))["passages"]
            assert {passage["document_id"] for passage in passages} == {name}
            for tool in ("read_paper", "cite"):
                assert hidden in await error_of(client, tool, document_id=hidden)
            assert hidden in await error_of(client, "get_table", document_id=hidden, number=1)
        async with over_http(url, admin.create_key("mcp", ["search"]).token, mode) as client:
            papers = (await call(client, "list_papers"))["papers"]
            assert {paper["document_id"] for paper in papers} >= {name, hidden}


def test_http_server_requires_key_and_known_host(closed: RunningService, admin: Client) -> None:
    key = admin.create_key("mcp", ["search"])
    bearer = {"Authorization": f"Bearer {key.token}"}
    wrong = {"Authorization": f"Bearer {key.token[:-1]}_"}
    session = {"Cookie": "paperworks_session=x"}
    with http_server(closed.url) as url, httpx.Client(headers=ACCEPTED) as client:

        def status(**headers: str) -> int:
            return client.post(url, json=INITIALIZE, headers=headers).status_code

        refused = client.post(url, json=INITIALIZE)
        assert refused.status_code == 401 and refused.json()["code"] == "unauthenticated"
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert [status(**headers) for headers in (wrong, session, bearer)] == [401, 401, 200]
        assert status(**bearer, Host="evil.example") == 421
        assert status(**bearer, Origin="http://evil.example") == 403
        admin.revoke_key(key.key_id)
        assert status(**bearer) == 401


def test_other_machines_use_key_and_allowed_host(closed: RunningService, admin: Client) -> None:
    headers = {"Authorization": f"Bearer {admin.create_key('mcp', ['search']).token}", **ACCEPTED}
    options = ("--host", "127.0.0.2", "--allowed-host", "papers.example")
    with http_server(closed.url, *options) as url, httpx.Client(headers=headers) as client:
        assert url.startswith("http://127.0.0.2:")
        assert client.post(url, json=INITIALIZE).status_code == 200
        for host in ("papers.example", "papers.example:443"):
            named = {"Host": host, "Origin": f"https://{host}"}
            assert client.post(url, json=INITIALIZE, headers=named).status_code == 200
        other = {"Host": "papers.example.evil"}
        assert client.post(url, json=INITIALIZE, headers=other).status_code == 421
        del client.headers["Authorization"]
        assert client.post(url, json=INITIALIZE).status_code == 401


async def test_service_without_keys_needs_none_on_loopback(
    service: RunningService, library: Client, collection: str
) -> None:
    add_paper(library, make_study(), collection)
    with http_server(service.url) as url:
        async with over_http(url) as client:
            papers = (await call(client, "list_papers", collection=collection))["papers"]
        assert [paper["title"] for paper in papers] == [STUDY]
        async with httpx.AsyncClient(headers=ACCEPTED) as foreign:
            evil = await foreign.post(url, json=INITIALIZE, headers={"Host": "evil.example"})
        assert evil.status_code == 421


def test_service_without_keys_is_not_served_to_other_machines(service: RunningService) -> None:
    command = [*COMMAND, "--url", service.url, "--http", "--host", "0.0.0.0", "--port", "0"]
    refused = run_python(*command)
    assert refused.returncode == 1 and "requires no keys" in refused.stderr


def test_ctrl_c_ends_server_that_waits_for_stdin(service: RunningService) -> None:
    command = [sys.executable, *COMMAND, "--url", service.url]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=clean_environment()
    )
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
    process.stdin.flush()
    assert b"serverInfo" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_SECONDS) == -signal.SIGINT
    process.communicate()


@pytest.mark.parametrize("options", ["[]", "['--http']"])
def test_missing_package_is_named(options: str) -> None:
    program = (
        "import sys; sys.modules['mcp'] = None; from serve_app.cli.main import app; "
        f"app(['mcp', *{options}])"
    )
    result = run_python("-c", program)
    assert (result.returncode, result.stdout) == (1, "")
    assert "pip install 'paperworks[mcp]'" in result.stderr


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
