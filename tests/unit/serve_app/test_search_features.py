"""Search over HTTP: phrases, exclusions, filters of papers, paging, explanations, named papers."""

from __future__ import annotations

from typing import Any

import pytest

from domain.search import DENSE_WEIGHT
from tests.unit.serve_app.library import Library, pdf

LASER = "a laser cools trapped ions"
FILLER = "The ions are trapped by a laser that cools them."


async def add(library: Library, *texts: str, content: str, **correction: Any) -> str:
    """Adds a searchable paper with these passages and this metadata, and returns its id."""
    answer = await library.upload(pdf(content), name=f"{content}.pdf")
    await library.read_papers(*texts)
    name = answer.json()["document_id"]
    if correction:
        changed = await library.http.patch(f"/api/v1/documents/{name}", json=correction)
        assert changed.status_code == 200, changed.text
    return name


async def texts_of(library: Library, query: str, **options: Any) -> list[str]:
    return [hit["text"] for hit in (await library.search(query, **options)).json()["hits"]]


async def test_phrase_must_occur_as_printed(library: Library) -> None:
    await add(library, LASER, FILLER, "Trapped Ions cool", content="one")
    found = await texts_of(library, 'laser "trapped ions"')
    assert sorted(found) == ["Trapped Ions cool", LASER]
    assert await texts_of(library, '"ions trapped"') == []


async def test_excluded_word_and_phrase_do_not_occur(library: Library) -> None:
    await add(library, LASER, FILLER, "a laser pointer", content="one")
    assert await texts_of(library, "laser -ion") == ["a laser pointer"]
    assert LASER not in await texts_of(library, 'laser -"trapped ions"')
    answer = (await library.search("laser -ion the")).json()
    assert answer["understood"] == {"phrases": [], "excluded": ["ion"], "ignored": ["the"]}


@pytest.mark.parametrize("query", ["-laser", '""', '-"a b" -c'])
async def test_query_without_anything_to_find_is_refused(library: Library, query: str) -> None:
    answer = await library.search(query)
    assert answer.status_code == 422 and "nothing to find" in answer.json()["detail"]


async def test_conditions_reach_beyond_the_first_passages(library: Library) -> None:
    await add(library, *[f"laser ions number {n}" for n in range(300)], content="many")
    await add(library, "laser and the rare needle", content="one")
    assert await texts_of(library, 'laser ions number "rare needle"', limit=1) == [
        "laser and the rare needle"
    ]


async def test_filters_of_papers(library: Library) -> None:
    old = await add(library, LASER, content="old", authors=["Ada Lovelace"], year=1999)
    new = await add(
        library, LASER, content="new", authors=["Martin Ødegård", "Ada King"], year=2020
    )
    await library.http.patch(f"/api/v1/documents/{new}", json={"tags": ["to read", "optics"]})

    async def found(**filters: Any) -> set[str]:
        answer = await library.search("laser", filters=filters)
        assert answer.status_code == 200, answer.text
        return {hit["document_id"] for hit in answer.json()["hits"]}

    assert await found(author="odegard") == {new}
    assert await found(author="ada") == {old, new}
    assert await found(author="Ada", year_last=2000) == {old}
    assert await found(year_first=2000) == {new}
    assert await found(tags=["optics"]) == {new}
    assert await found(tags=["optics"], document_ids=[old]) == set()
    assert await found(tags=["optics"], document_ids=[old, new]) == {new}
    assert await found(author="nobody") == set()
    assert await found(sections=["introduction"]) == {old, new}
    assert await found(sections=["methods"]) == set()


async def test_filter_of_many_papers_checks_the_hits(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.library.search_hits.MAX_DOCUMENT_IDS", 1)
    for number in range(3):
        await add(library, LASER, content=f"old {number}", year=1990)
    new = {await add(library, LASER, content=f"new {number}", year=2020) for number in range(2)}
    for options in ({}, {"group_by": "document"}, {"limit": 2}):
        answer = await library.search("laser", filters={"year_first": 2000}, **options)
        assert {hit["document_id"] for hit in answer.json()["hits"]} == new


@pytest.mark.parametrize("group_by", [None, "document"])
async def test_pages_follow_each_other_without_gaps(library: Library, group_by: str | None) -> None:
    for number in range(9):
        await add(library, f"laser ions {number}", f"laser light {number}", content=f"p{number}")
    whole = (await library.search("laser ions", limit=50, group_by=group_by)).json()
    assert whole["next_cursor"] is None
    cursor, pages = None, list[list[str]]()
    while True:
        options = {"limit": 4, "group_by": group_by, "cursor": cursor}
        page = (await library.search("laser ions", **options)).json()
        pages.append([hit["chunk_id"] for hit in page["hits"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    flat = [name for page in pages for name in page]
    assert sorted(flat) == sorted(hit["chunk_id"] for hit in whole["hits"])
    assert [len(page) for page in pages[:-1]] == [4] * (len(pages) - 1)


async def test_page_beyond_the_ranked_hits_is_refused(library: Library) -> None:
    await add(library, LASER, content="one")
    answer = await library.search("laser", cursor="995", limit=10)
    assert answer.status_code == 422 and "1,000" in answer.json()["detail"]
    assert (await library.search("laser", cursor="50")).json()["hits"] == []


async def test_explanation_states_parts_of_the_score(library: Library) -> None:
    await add(library, LASER, FILLER, content="one")
    plain = (await library.search("laser telescope")).json()["hits"][0]
    assert plain["explanation"] is None
    hit = (await library.search("laser telescope", explain=True)).json()["hits"][0]
    explanation = hit["explanation"]
    assert sum(explanation["parts"].values()) == pytest.approx(hit["score"])
    assert (explanation["terms_found"], explanation["terms_missing"]) == (["laser"], ["telescop"])
    assert explanation["dense_weight"] == DENSE_WEIGHT


async def test_snippet_is_a_part_of_the_text(library: Library) -> None:
    long = "Nothing of interest is said here at all. " * 20
    await add(library, f"{long}Atoms emit light. {long}", content="one")
    [hit] = (await library.search("atoms emit")).json()["hits"]
    part = hit["text"][hit["snippet"]["start"] : hit["snippet"]["end"]]
    assert "Atoms emit light." in part and part.startswith("Nothing") and part.endswith("all.")


async def test_named_paper_is_the_first_hit(library: Library) -> None:
    named = await add(
        library,
        "words of another subject",
        content="named",
        title="On the cooling of trapped ions with light",
        authors=["Martin Ødegård"],
        doi="10.1000/abc.1",
    )
    await add(library, "10.1000 abc 1 Odegard on the cooling of trapped ions", content="cites it")
    queries = {
        "doi": "https://doi.org/10.1000/ABC.1",
        "title": "On the Cooling of Trapped Ions with Light",
        "author": "Martin Odegard",
        "filename": "named.pdf",
        "record": "the cooling by Ødegård",
    }
    for reason, query in queries.items():
        for mode in ("hybrid", "dense", "sparse"):
            answer = (await library.search(query, mode=mode)).json()
            first, *others = answer["hits"]
            assert (first["document_id"], first["named_by"]) == (named, reason), query
            assert first["relevance"] == 1 and answer["nothing_fits"] is False
            assert all(hit["named_by"] is None for hit in others)


async def test_family_name_that_is_a_common_word_names_nobody(library: Library) -> None:
    await add(library, "of another subject", content="field", authors=["Sally Field"])
    fields = await add(library, "the magnetic field is strong", content="magnets")
    hits = (await library.search("field")).json()["hits"]
    assert hits[0]["document_id"] == fields
    assert (await library.search("Sally Field")).json()["hits"][0]["named_by"] == "author"


async def test_words_of_a_record_name_its_papers(library: Library) -> None:
    record: dict[str, Any] = {"title": "Cooling of ions", "authors": ["Ada King"], "year": 2019}
    paper = await add(library, "of another subject", content="king-notes", **record)
    await add(library, "King 2019 cooling of ions by light", content="cites it", year=2018)
    for query in ("king 2019", "Cooling, 2019", "king cooling", "ada notes"):
        first = (await library.search(query)).json()["hits"][0]
        assert (first["document_id"], first["named_by"]) == (paper, "record"), query
    for query in ("cooling ions", "king 2018", "king cooling of atoms", "subject 2019"):
        hits = (await library.search(query)).json()["hits"]
        assert all(hit["named_by"] is None for hit in hits), query


async def test_plain_words_beside_a_title_name_nobody(library: Library) -> None:
    record: dict[str, Any] = {"title": "Strength of beams", "authors": ["Sally Field"]}
    await add(library, "of another subject", content="beams", **record)
    fields = await add(library, "the field strength of magnets", content="magnets")
    hit = (await library.search("field strength")).json()["hits"][0]
    assert (hit["document_id"], hit["named_by"]) == (fields, None)


async def test_named_paper_of_another_collection_stays_hidden(library: Library) -> None:
    await add(library, LASER, content="named", doi="10.1000/abc.1")
    await library.upload(pdf("other"), name="other.pdf", collection="other")
    await library.read_papers("words")
    answer = (await library.search("10.1000/abc.1", collection="other")).json()
    assert [hit["named_by"] for hit in answer["hits"]] == [None]


async def test_similar_passages_are_nearest_first(library: Library) -> None:
    name = await add(library, LASER, "roses grow", content="one")
    near = await add(library, f"{LASER} again", content="two")
    [hit] = (await library.search("laser", filters={"document_ids": [name]}, limit=1)).json()[
        "hits"
    ]
    path = f"/documents/{name}/chunks/{hit['chunk_id']}/similar"
    found = (await library.get(path)).json()["hits"]
    assert found[0]["document_id"] == near
    assert hit["chunk_id"] not in [one["chunk_id"] for one in found]
    assert len((await library.get(f"{path}?limit=1")).json()["hits"]) == 1
    unknown = await library.get(f"/documents/{name}/chunks/{'0' * 32}/similar")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
