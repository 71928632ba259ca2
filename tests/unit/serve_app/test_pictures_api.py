"""Pages and figures as PNG, rendered in separate processes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import DamagedPdf, ParserCrashed
from domain.papers import Box, Figure
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.pages import make_pages
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import PAPER, add_paper
from tests.unit.serve_app.renderers import warm_processes

pytestmark = pytest.mark.slow  # starts renderer processes


def pixels(png: bytes) -> pymupdf.Pixmap:
    return pymupdf.Pixmap(png)


async def test_page_image_has_requested_resolution(library: Library) -> None:
    name = await add_paper(library)
    answer = await library.get(f"/documents/{name}/pages/1.png?dpi=72")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert 'filename="engine-page-1.png"' in answer.headers["content-disposition"]
    image = pixels(answer.content)
    assert (image.width, image.height) == (300, 400)
    twice = pixels((await library.get(f"/documents/{name}/pages/1.png")).content)
    assert (twice.width, twice.height) == (600, 800)


async def test_page_image_highlights_passages_of_that_page(library: Library) -> None:
    name = await add_paper(library, PAPER, "on page one", "on page two")
    first, second = (await library.get(f"/documents/{name}/chunks")).json()["items"]
    path = f"/documents/{name}/pages/2.png?dpi=72"
    plain = await library.get(path)
    other = await library.get(f"{path}&highlight={first['chunk_id']}")
    marked = await library.get(
        f"{path}&highlight={first['chunk_id']}&highlight={second['chunk_id']}"
    )
    assert other.content == plain.content
    assert pixels(plain.content).pixel(100, 110) == (255, 255, 255)
    red, green, blue = pixels(marked.content).pixel(100, 110)
    assert red > blue and green > blue
    assert pixels(marked.content).pixel(280, 380) == (255, 255, 255)
    assert plain.headers["etag"] == other.headers["etag"] != marked.headers["etag"]


async def test_image_api_returns_304_for_matching_etag(library: Library) -> None:
    name = await add_paper(library)
    for part in ("pages/1.png", "figures/1.png"):
        path = f"/documents/{name}/{part}"
        first = await library.get(path)
        assert first.headers["cache-control"].startswith("private")
        etag = first.headers["etag"]
        again = await library.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        larger = await library.get(f"{path}?dpi=100", headers={"If-None-Match": etag})
        assert larger.status_code == 200


async def test_figure_image_is_cropped_from_its_page(library: Library) -> None:
    name = await add_paper(library)
    [figure] = (await library.get(f"/documents/{name}/figures")).json()["figures"]
    assert (figure["number"], figure["label"], figure["caption"]) == (1, "Fig. 1", "A loom")
    assert (figure["page"], figure["box"]["x1"]) == (1, 140)
    answer = await library.get(f"/documents/{name}/figures/1.png?dpi=72")
    assert 'filename="engine-figure-1.png"' in answer.headers["content-disposition"]
    image = pixels(answer.content)
    assert (image.width, image.height) == (100, 50)
    assert image.pixel(90, 45) == (255, 255, 255)
    assert not image.is_unicolor  # the text of the page


async def test_region_image_is_cropped_from_its_page(library: Library) -> None:
    name = await add_paper(library)
    path = f"/documents/{name}/pages/1/region.png"
    region = "?x0=250&y0=350&x1=9999&y1=390&dpi=72"
    answer = await library.get(path + region)
    image = pixels(answer.content)
    assert (image.width, image.height) == (50, 40)  # the page ends at 300 points
    assert 'filename="engine-page-1-region.png"' in answer.headers["content-disposition"]
    etag = {"If-None-Match": answer.headers["etag"]}
    assert (await library.get(path + region, headers=etag)).status_code == 304


@pytest.mark.parametrize(
    ("part", "status", "words"),
    [
        ("pages/1/region.png?x0=1&y0=1&x1=1&y1=9", 422, "x0 must be less than x1"),
        ("pages/1/region.png?x0=1&y0=1&x1=nan&y1=9", 422, "x1"),
        ("pages/1/region.png?x0=1&y0=1&x1=9", 422, "y1"),
        ("pages/1/region.png?x0=1&y0=1&x1=9&y1=9&z=1", 422, "unknown field"),
        ("pages/1/region.png?x0=900&y0=900&x1=950&y1=950", 404, "empty at that position"),
        ("pages/9/region.png?x0=1&y0=1&x1=9&y1=9", 404, "no page 9"),
        ("pages/3.png", 404, "no page 3"),
        ("pages/0.png", 422, "number"),
        ("pages/one.png", 422, "number"),
        ("pages/1.png?dpi=9999", 422, "dpi"),
        ("pages/1.png?highlight=nope", 422, "32 hexadecimal digits"),
        (f"pages/1.png?highlight={'0' * 32}", 404, "no passage 0000"),
        ("figures/1.png?dpi=1", 422, "dpi"),
    ],
)
async def test_image_api_rejects_invalid_requests(
    library: Library, part: str, status: int, words: str
) -> None:
    name = await add_paper(library)
    answer = await library.get(f"/documents/{name}/{part}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


async def test_figure_image_rejects_box_outside_the_page(library: Library) -> None:
    outside = replace(PAPER, figures=(Figure(1, None, None, Box(1, 900, 900, 950, 950)),))
    name = await add_paper(library, outside)
    assert (await library.get(f"/documents/{name}/figures/1.png")).status_code == 404


async def test_page_image_of_damaged_pdf_is_a_problem(library: Library) -> None:
    name = await add_paper(library, content=pdf("no PDF inside"))
    answer = await library.get(f"/documents/{name}/pages/1.png")
    assert (answer.status_code, answer.json()["code"]) == (422, DamagedPdf.code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_page_image_works_before_the_paper_is_read(library: Library) -> None:
    name = (await library.upload(make_pages(""))).json()["document_id"]
    assert (await library.get(f"/documents/{name}/pages/1.png")).status_code == 200
    assert (await library.get("/documents/doc_nope/pages/1.png")).status_code == 404


async def test_renderer_replaces_dead_process(library: Library) -> None:
    name = await add_paper(library)
    others = warm_processes()
    first = await library.get(f"/documents/{name}/pages/1.png?dpi=40")
    [warm] = [item for item in warm_processes() if item not in others]
    warm.kill()
    again = await library.get(f"/documents/{name}/pages/1.png?dpi=41")
    assert (first.status_code, again.status_code) == (200, 200)
    assert warm not in warm_processes()


async def test_page_image_reports_renderer_crash(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await add_paper(library)
    monkeypatch.setattr(
        "serve_app.library.rendering.DRAW_PAGE", "tests.sandbox_work:crash_while_rendering"
    )
    answer = await library.get(f"/documents/{name}/pages/1.png")
    assert (answer.status_code, answer.json()["code"]) == (422, ParserCrashed.code)
