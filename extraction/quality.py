"""Reports the quality of an extraction, and the reasons for a manual review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from domain.papers import MIN_CONFIDENCE, PageLoss, Paper, Quality
from domain.wording import plural

_MAX_GARBLED_SHARE = 0.1  # of the text layer's characters (heuristic)
_TRUNCATED = "the end of the file is missing, and pages may be missing with it"
_FIELDS = ("title", "authors")  # each paper has these; other fields may not be printed
_UNSURE_FIELDS = (*_FIELDS, "year")  # the year may be that of the file
_MAX_LISTED_PAGES = 20
_MIN_HIDDEN_WORDS = 3  # of a page; fewer are the remains of a publisher's template (heuristic)


def quality_report(paper: Paper) -> dict[str, Any]:
    """Returns the report as JSON values: pages, columns, confidence by field, tables by method.

    `reasons` lists in words why the paper needs a manual review; it is empty for a good paper.
    `notes` lists what was left out without need for a review.
    """
    quality = paper.quality
    return {
        "pages_read": quality.pages_read,
        "pages_ocred": list(quality.pages_ocred),
        "pages_failed": list(quality.pages_failed),
        "pages_without_text": list(quality.pages_without_text),
        "pages_incomplete": list(quality.pages_incomplete),
        "is_truncated": quality.is_truncated,
        "unread_characters": [asdict(loss) for loss in quality.unread_characters],
        "hidden_words": [asdict(loss) for loss in quality.hidden_words],
        "annotations": [asdict(loss) for loss in quality.annotations],
        "pages_unchecked": list(quality.pages_unchecked),
        "garbled_share": round(quality.garbled_share, 4),
        "columns": quality.columns,
        "layout_pages": list(quality.layout_pages),
        "confidence": {
            name: {"source": found.source, "confidence": round(found.confidence, 2)}
            for name, found in paper.metadata.evidence.items()
        },
        "tables": dict(Counter(str(table.source) for table in paper.tables)),
        "reasons": review_reasons(paper),
        "notes": _notes(quality),
    }


def _notes(quality: Quality) -> list[str]:
    few = [loss for loss in quality.hidden_words if loss.count < _MIN_HIDDEN_WORDS]
    return [
        *_losses("word", "not shown by the page", few),
        *_losses("annotation", "of readers", quality.annotations),
    ]


def review_reasons(paper: Paper) -> list[str]:
    """Returns the reasons for a manual review, in words that name the pages."""
    quality = paper.quality
    reasons = [
        *_pages("could not be read", quality.pages_failed),
        *_pages("hold no text that could be read", quality.pages_without_text),
        *_pages("could not be read completely", quality.pages_incomplete),
        *_pages("took too long to look for text that is missing", quality.pages_unchecked),
        *([_TRUNCATED] if quality.is_truncated else []),
        *_losses("character", "could not be read", quality.unread_characters),
        *_losses(
            "word",
            "left out because the page does not show them",
            [loss for loss in quality.hidden_words if loss.count >= _MIN_HIDDEN_WORDS],
        ),
    ]
    if quality.garbled_share > _MAX_GARBLED_SHARE:
        reasons.append(f"{quality.garbled_share:.0%} of the text layer is garbled")
    reasons += [f"no {name} found" for name in _FIELDS if not getattr(paper.metadata, name)]
    for name in _UNSURE_FIELDS:
        evidence = paper.metadata.evidence.get(name)
        if evidence and evidence.confidence < MIN_CONFIDENCE and getattr(paper.metadata, name):
            reasons.append(f"the {name} is unsure ({evidence.source})")
    return reasons


def _pages(what: str, numbers: Sequence[int]) -> list[str]:
    return [f"{_listed(numbers)} {what}"] if numbers else []


def _losses(noun: str, what: str, losses: Sequence[PageLoss]) -> list[str]:
    counted = plural(sum(loss.count for loss in losses), noun)
    return [f"{_listed([loss.page for loss in losses])}: {counted} {what}"] if losses else []


def _listed(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers[:_MAX_LISTED_PAGES]))
    more = ", …" if len(numbers) > _MAX_LISTED_PAGES else ""
    return f"page{'s' if len(numbers) > 1 else ''} {listed}{more}"
