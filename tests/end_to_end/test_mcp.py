"""`paperworks mcp` over stdio and over HTTP, used with the client of the mcp package."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client
from tests.end_to_end.mcp_clients import (
    ACCEPTED,
    COMMAND,
    INITIALIZE,
    TIMEOUT_SECONDS,
    add_paper,
    call,
    error_of,
    http_server,
    over_http,
    over_stdio,
)
from tests.paths import ROOT
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import DOSES, STUDY, Part, make_paper, make_study
from tests.pdf_builder.random_papers import python_docs_paragraphs
from tests.service import RunningService, clean_environment

pytestmark = pytest.mark.timeout(600)
LONG_TITLE = "A Long Report on Silver in Many Flasks"


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
