"""axe-core in a tab: what keeps readers from using a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = next((Path(__file__).parent / "vendor").glob("axe-*.min.js"))
IMPACTS = ("serious", "critical")


def violations_of(tab: Page) -> list[dict[str, Any]]:
    """Returns the serious and critical violations of the page, each with its elements."""
    tab.evaluate(AXE.read_text())
    found = tab.evaluate("axe.run().then(result => result.violations)")
    return [_summary(one) for one in found if one["impact"] in IMPACTS]


def _summary(violation: dict[str, Any]) -> dict[str, Any]:
    elements = [f"{one['html'][:200]} {one['failureSummary']}" for one in violation["nodes"]]
    return {"rule": violation["id"], "elements": elements}
