"""How well a paper could be read, and whether somebody should have a look at it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from domain.papers import Paper

_UNSURE = 0.5
_MUCH_GARBLED = 0.1
_FIELDS = ("title", "authors")  # a paper has these; what else it lacks may not be printed


def quality_report(paper: Paper) -> dict[str, Any]:
    """The report as plain values: pages, columns, confidence of each field, tables by method.

    `reasons` says in words why somebody should look at the paper; it is empty when all is well.
    """
    quality = paper.quality
    return {
        "pages_read": quality.pages_read,
        "pages_ocred": list(quality.pages_ocred),
        "pages_failed": list(quality.pages_failed),
        "pages_without_text": list(quality.pages_without_text),
        "garbled_share": round(quality.garbled_share, 4),
        "columns": quality.columns,
        "layout_pages": list(quality.layout_pages),
        "confidence": {
            name: {"source": found.source, "confidence": round(found.confidence, 2)}
            for name, found in paper.metadata.evidence.items()
        },
        "tables": dict(Counter(str(table.source) for table in paper.tables)),
        "reasons": review_reasons(paper),
    }


def review_reasons(paper: Paper) -> list[str]:
    """What somebody should look at, in words that name the pages."""
    quality = paper.quality
    reasons = [
        *_pages("could not be read", quality.pages_failed),
        *_pages("hold no text that could be read", quality.pages_without_text),
    ]
    if quality.garbled_share > _MUCH_GARBLED:
        reasons.append(f"{quality.garbled_share:.0%} of the text layer is garbled")
    for name in _FIELDS:
        evidence = paper.metadata.evidence.get(name)
        if not getattr(paper.metadata, name):
            reasons.append(f"no {name} found")
        elif evidence and evidence.confidence < _UNSURE:
            reasons.append(f"the {name} is unsure ({evidence.source})")
    return reasons


def _pages(what: str, numbers: tuple[int, ...]) -> list[str]:
    if not numbers:
        return []
    shown = ", ".join(map(str, numbers[:20])) + (", …" if len(numbers) > 20 else "")
    return [f"page{'s' if len(numbers) > 1 else ''} {shown} {what}"]
