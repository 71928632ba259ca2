"""Tabs of Chromium that report what a page must not do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page


@contextmanager
def strict_tab(browser: Browser, url: str) -> Iterator[Page]:
    """Yields a tab with this base URL.

    Raises AssertionError at the end for a console error, and for a request to another host.
    """
    complaints = list[str]()
    with browser.new_context(base_url=url) as context:
        tab = context.new_page()
        tab.on("console", lambda one: complaints.extend(errors_of(one)))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda one: complaints.extend(foreign_addresses(one.url, url)))
        yield tab
    # Chromium reports every response of a refused request as an error.
    found = [one for one in complaints if not re.search("status of 4[0-9]{2} ", one)]
    assert not found, found


def errors_of(message: ConsoleMessage) -> list[str]:
    """Returns the message with its place if it is an error."""
    return [f"{message.text} ({message.location})"] if message.type == "error" else []


def foreign_addresses(address: str, own: str) -> list[str]:
    """Returns the address of a request if it is none of the service."""
    return [] if address.startswith((own, "data:")) else [address]
