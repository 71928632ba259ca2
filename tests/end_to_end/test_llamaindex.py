"""The LlamaIndex reader against the service."""

from __future__ import annotations

import httpx
import pytest
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import MetadataMode
from pydantic import SecretStr

from integrations.llamaindex import PaperworksReader
from serve_app.client import Client, PaperworksProblem
from tests.pdf_builder.papers import STUDY, make_study
from tests.service import RunningService

SECTIONS = ["Abstract", "1 Introduction", "2 Methods", "3 Results", "4 Conclusion", "References"]
TIMEOUT_SECONDS = 120.0


@pytest.fixture
def papers(library: Client, collection: str) -> list[str]:
    """The ids of two searchable papers; the collection also holds a file that cannot be read."""
    sources = [make_study(), make_study("Yields of Gold from the Roots of Four Trees")]
    accepted = [
        library.upload(source, collection, filename=f"study-{number}.pdf")
        for number, source in enumerate([*sources, b"%PDF-1.4\nnothing of a PDF"])
    ]
    statuses = [library.wait(one.job_id, TIMEOUT_SECONDS).status for one in accepted]
    assert statuses == ["completed", "completed", "failed"]
    return [one.document_id for one in accepted[:2]]


def test_collection_is_loaded_by_section(
    service: RunningService, collection: str, papers: list[str]
) -> None:
    documents = PaperworksReader(url=service.url).load_data(collection=collection)
    assert {one.metadata["document_id"] for one in documents} == set(papers)
    assert len({one.doc_id for one in documents}) == len(documents)
    study = [one for one in documents if one.metadata["document_id"] == papers[0]]
    assert [one.metadata.get("section") for one in study] == [None, *SECTIONS]
    conclusion = study[-2]
    assert "A copper spoon quenches" in conclusion.text
    assert conclusion.metadata["title"] == STUDY
    assert conclusion.metadata["authors"] == "Ada Lovelace; Grace Hopper"
    assert all(isinstance(value, (str, int)) for value in conclusion.metadata.values())
    assert httpx.get(conclusion.metadata["source"]).status_code == 200


async def test_chosen_papers_are_loaded_whole(
    service: RunningService, library: Client, papers: list[str]
) -> None:
    reader = PaperworksReader(url=service.url, per="paper")
    [document] = reader.load_data(document_ids=papers[1:])
    assert (document.doc_id, document.text) == (papers[1], library.text(papers[1]))
    assert await reader.aload_data(document_ids=papers[1:]) == [document]
    assert list(await reader.alazy_load_data(document_ids=papers[1:])) == [document]


def test_nodes_keep_metadata_and_show_title_to_model(
    service: RunningService, papers: list[str]
) -> None:
    documents = PaperworksReader(url=service.url).load_data(document_ids=papers[:1])
    nodes = SentenceSplitter(chunk_size=256, chunk_overlap=0).get_nodes_from_documents(documents)
    assert len(nodes) > len(documents)
    assert {node.metadata["document_id"] for node in nodes} == {papers[0]}
    shown = nodes[-1].get_content(MetadataMode.LLM)
    assert STUDY in shown and papers[0] not in shown


def test_reader_reports_problem_and_hides_key(service: RunningService) -> None:
    reader = PaperworksReader(url=service.url, key=SecretStr("pw_secret"))
    assert "pw_secret" not in reader.to_json() + repr(reader)
    with pytest.raises(PaperworksProblem, match="document"):
        reader.load_data(document_ids=["doc_" + "0" * 24])
