"""The LangChain retriever against the service."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from pydantic import SecretStr

from integrations.langchain import PaperworksRetriever
from serve_app.client import Client, PaperworksProblem
from tests.pdf_builder.papers import STUDY, make_study
from tests.service import RunningService

QUESTION = "what quenches the reaction"
TIMEOUT_SECONDS = 120.0


@pytest.fixture
def paper(library: Client, collection: str) -> str:
    """The id of a searchable paper."""
    accepted = library.upload(make_study(), collection, filename="study.pdf")
    assert library.wait(accepted.job_id, TIMEOUT_SECONDS).status == "completed"
    return accepted.document_id


def test_invoke_returns_passages_with_metadata(
    service: RunningService, library: Client, collection: str, paper: str
) -> None:
    retriever = PaperworksRetriever(url=service.url, collection=collection, limit=3)
    first, *others = retriever.invoke(QUESTION)
    hit = library.search(QUESTION, collection=collection, limit=1).hits[0]
    assert len(others) <= 2
    assert (first.page_content, first.id) == (hit.text, hit.chunk_id)
    metadata = first.metadata
    assert (metadata["document_id"], metadata["title"]) == (paper, STUDY)
    assert metadata["authors"] == ["Ada Lovelace", "Grace Hopper"]
    assert (metadata["chunk_id"], metadata["section"]) == (hit.chunk_id, hit.section)
    assert (metadata["page_first"], metadata["page_last"]) == (hit.page_first, hit.page_last)
    assert metadata["boxes"] == [box.model_dump() for box in hit.boxes]
    assert (metadata["score"], metadata["relevance"]) == (hit.score, hit.relevance)
    page = httpx.get(metadata["source"])
    assert page.status_code == 200 and hit.chunk_id in page.text


async def test_ainvoke_returns_the_same_passages(
    service: RunningService, collection: str, paper: str
) -> None:
    retriever = PaperworksRetriever(url=service.url, collection=collection, limit=3)
    assert await retriever.ainvoke(QUESTION) == retriever.invoke(QUESTION)
    assert paper in {one.metadata["document_id"] for one in await retriever.ainvoke(QUESTION)}


@pytest.mark.usefixtures("paper")
def test_retriever_is_part_of_a_chain(service: RunningService, collection: str) -> None:
    count: Callable[[list[Document]], int] = len
    retriever = PaperworksRetriever(url=service.url, collection=collection, group_by="document")
    assert (retriever | RunnableLambda(count)).invoke(QUESTION) == 1


@pytest.mark.usefixtures("paper")
def test_min_relevance_leaves_out_passages(service: RunningService, collection: str) -> None:
    retriever = PaperworksRetriever(url=service.url, collection=collection, min_relevance=0.9999)
    assert retriever.invoke("parliament elections in 1848") == []


def test_problem_is_raised_and_key_is_not_shown(service: RunningService) -> None:
    retriever = PaperworksRetriever(url=service.url, key=SecretStr("pw_secret"), limit=1000)
    assert "pw_secret" not in repr(retriever)
    with pytest.raises(PaperworksProblem, match="limit"):
        retriever.invoke(QUESTION)
