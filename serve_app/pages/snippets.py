"""The part of a passage that a result list shows, with the matched words marked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from serve_app.schemas.core import Highlight

SNIPPET_CHARACTERS, CONTEXT_CHARACTERS = 420, 120
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?]\s))\S")
ELLIPSIS = "… "

Segment = tuple[str, bool]


def snippet(text: str, highlights: Sequence[Highlight]) -> list[Segment]:
    """Returns the best part of the text as segments: a text, and whether it is a matched word.

    The part begins with a sentence and has up to SNIPPET_CHARACTERS characters, with as many
    matched words as possible.
    """
    start = _best_start(text, highlights)
    end = _end(text, start)
    segments = marked(text[:end], [one for one in highlights if one.end <= end], start)
    before = [(ELLIPSIS, False)] if start else []
    return [*before, *segments, *([(" …", False)] if end < len(text) else [])]


def marked(text: str, highlights: Sequence[Highlight], start: int = 0) -> list[Segment]:
    """Returns the text from `start` as segments: a text, and whether it is a matched word."""
    segments, position = list[Segment](), start
    for one in highlights:
        if one.start >= position:
            segments += [(text[position : one.start], False), (text[one.start : one.end], True)]
            position = one.end
    segments.append((text[position:], False))
    return [segment for segment in segments if segment[0]]


def _best_start(text: str, highlights: Sequence[Highlight]) -> int:
    """Returns the start of the sentence from which on most words match.

    Of several, the one with about CONTEXT_CHARACTERS before the first matched word.
    """
    if not highlights or len(text) <= SNIPPET_CHARACTERS:
        return 0

    def matches_and_context(start: int) -> tuple[int, int]:
        end = _end(text, start)
        shown = [one for one in highlights if start <= one.start and one.end <= end]
        context = shown[0].start - start if shown else 0
        return len(shown), -abs(context - CONTEXT_CHARACTERS)

    starts = (one.start() for one in _SENTENCE_START.finditer(text))
    return max(starts, key=matches_and_context, default=0)


def _end(text: str, start: int) -> int:
    """Returns the end of the last word within the limit."""
    limit = start + SNIPPET_CHARACTERS
    if limit >= len(text):
        return len(text)
    space = text.rfind(" ", start + 1, limit)
    return space if space > 0 else limit
