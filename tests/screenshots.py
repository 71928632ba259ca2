"""Writes the screenshots of the documentation: `python -m tests.screenshots`.

Starts a service of its own, uploads the sample papers in a browser and generated ones over HTTP,
and stops the service. Needs Chromium. `make screenshots` runs it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from serve_app.client import Client
from tests.end_to_end.conftest import ARGUMENTS, CHROMIUM, SAMPLES
from tests.paths import ROOT
from tests.quality.generated import generate
from tests.service import own_service

IMAGES = ROOT / "docs" / "images"
WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)
COLORS = 256
READ_MS, READ_SECONDS = 120_000, 240
LAYOUTS = ("lecture_notes", "physics_letter", "german_report", "russian_article", "mathematics")
QUESTION = "How does a stale worker lose its right to write?"
SEARCH = f"/search?q={QUESTION.replace(' ', '+').replace('?', '%3F')}&collection=samples"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every image is written; prints the path and the size of each."""
    options = _parser().parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with own_service(options.models) as (service, folder):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for name, png in screenshots(browser, service.url, folder):
                path = options.out / f"{name}.png"
                path.write_bytes(compressed(png))
                print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
            browser.close()
        service.stop()
    return 0


def screenshots(browser: Browser, url: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the PNG of each screenshot of an empty service; `folder` is for PDFs."""
    tab = browser.new_page(base_url=url, viewport=WIDE, reduced_motion="reduce")
    job_id = _upload_samples(tab)
    yield "upload", tab.screenshot()
    yield "job", _shot(tab, f"/jobs/{job_id}")
    _upload_generated(url, folder)
    yield "library", _shot(tab, "/")
    yield "paper", _shot(tab, f"/papers/{_tagged_paper(url)}")
    yield "search", _shot_of_passage(tab)
    yield "system", _shot(tab, "/system")
    dark = browser.new_page(base_url=url, viewport=WIDE, color_scheme="dark")
    yield "library-dark", _shot(dark, "/")
    phone = browser.new_page(base_url=url, viewport=PHONE)
    yield "search-phone", _shot(phone, SEARCH)


def compressed(png: bytes) -> bytes:
    """Returns the image with a palette of 256 colors."""
    image, output = Image.open(BytesIO(png)).convert("RGB"), BytesIO()
    palette = image.quantize(COLORS, dither=Image.Dither.NONE)
    palette.save(output, format="PNG", optimize=True)
    return output.getvalue()


def _upload_generated(url: str, folder: Path) -> None:
    papers = [folder / f"{name.replace('_', '-')}.pdf" for name in LAYOUTS]
    for path, name in zip(papers, LAYOUTS, strict=True):
        path.write_bytes(generate(name).pdf)
    with Client(url) as library:
        job = library.wait(library.upload_many(papers, "layouts").job_id, READ_SECONDS)
    assert job.status == "completed", job


def _upload_samples(tab: Page) -> str:
    """Uploads the sample papers; returns the id of their job when it is complete."""
    papers = sorted(SAMPLES.glob("*.pdf"))
    tab.goto("/upload?collection=samples")
    tab.set_input_files("input[name=files]", papers)
    job = tab.locator(".job")
    complete = f"{len(papers)} of {len(papers)} complete"
    expect(job).to_contain_text(complete, timeout=READ_MS)
    return (job.get_attribute("id") or "").removeprefix("job-")


def _tagged_paper(url: str) -> str:
    """Returns the id of a sample paper; gives it tags."""
    with Client(url) as library:
        [paper] = library.documents(text="durable", collection="samples").items
        return library.correct(paper.document_id, tags=["queues", "thesis"]).document_id


def _shot(tab: Page, address: str) -> bytes:
    tab.goto(address)
    tab.wait_for_load_state("networkidle")
    return tab.screenshot()


def _shot_of_passage(tab: Page) -> bytes:
    tab.goto(SEARCH)
    tab.locator(".hits details summary").first.click()
    is_loaded = "() => document.querySelector('.hits details[open] img')?.naturalWidth > 0"
    tab.wait_for_function(is_loaded, timeout=READ_MS)
    return tab.screenshot()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("var/models"), help="converted models")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the images")
    return parser


if __name__ == "__main__":
    sys.exit(main())
