"""Adds the web pages and their static files to the app."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from serve_app.pages import (
    jobs_page,
    keys_page,
    library_page,
    paper_page,
    search_page,
    sign_in_page,
    system_page,
    upload_page,
    webhooks_page,
)
from serve_app.pages.page_route import explain_unknown_pages
from serve_app.pages.rendering import FOLDER, STATIC_PATH

PAGES = (library_page, search_page, upload_page, jobs_page, paper_page, system_page)
PAGES += (keys_page, webhooks_page, sign_in_page)


def add_pages(app: FastAPI) -> None:
    """Adds the pages, with the library at `/`."""
    explain_unknown_pages(app)
    # Pages are not compressed: they hold the token of a session beside what a client has sent.
    files = GZipMiddleware(StaticFiles(directory=FOLDER / "static"))
    app.mount(STATIC_PATH, files, name="static")
    for page in PAGES:
        app.include_router(page.router)
