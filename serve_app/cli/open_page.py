"""`paperworks open`: opens a page of the service in the browser."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import typer

from serve_app.cli.common import AsJson, Home, Url, print_error, show_values
from serve_app.process.address import service_url


class Page(StrEnum):
    """The pages of the service."""

    LIBRARY = "library"
    SEARCH = "search"
    UPLOAD = "upload"
    JOBS = "jobs"
    SYSTEM = "system"


PageName = Annotated[Page, typer.Argument(help="The page.")]
Query = Annotated[str | None, typer.Option("--query", "-q", help="Search for these words.")]


def open_page(
    page: PageName = Page.LIBRARY,
    query: Query = None,
    url: Url = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Open a page of the service in the browser, and print its address.

    Example: paperworks open search --query "fencing token"
    """
    address = page_address(service_url(url, home, os.environ), page, query)
    show_values(address, as_json, url=address)
    if typer.launch(address):
        print_error("No browser was started. Open the address above yourself.")
        raise typer.Exit(1)


def page_address(service: str, page: Page, query: str | None) -> str:
    """Returns the address of a page; with a query, that of the search page with its hits."""
    if query:
        return f"{service.rstrip('/')}/search?{urlencode({'q': query})}"
    return f"{service.rstrip('/')}/{'' if page is Page.LIBRARY else page}"
