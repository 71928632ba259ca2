"""The part of a passage that a result list shows, with the matched words marked."""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int]
Segment = tuple[str, bool]

SNIPPET_CHARACTERS, CONTEXT_CHARACTERS = 420, 120
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?]\s))\S")
_SENTENCE_END = re.compile(r"[.!?](?=\s)")
ELLIPSIS = "… "


def snippet_span(text: str, highlights: Sequence[Span]) -> Span:
    """Returns the character range [start, end) of the best part of the text.

    It begins with a sentence, has up to SNIPPET_CHARACTERS characters with as many matched words
    as possible, and ends with a sentence if one of them ends in its second half.
    """
    start = _best_start(text, highlights)
    return start, _end(text, start)


def snippet(text: str, span: Span, highlights: Sequence[Span]) -> list[Segment]:
    """Returns this part of the text as segments: a text, and whether it is a matched word."""
    start, end = span
    segments = marked(text[:end], [one for one in highlights if one[1] <= end], start)
    before = [(ELLIPSIS, False)] if start else []
    return [*before, *segments, *([(" …", False)] if end < len(text) else [])]


def marked(text: str, highlights: Sequence[Span], start: int = 0) -> list[Segment]:
    """Returns the text from `start` as segments: a text, and whether it is a matched word."""
    segments, position = list[Segment](), start
    for first, end in highlights:
        if first >= position:
            segments += [(text[position:first], False), (text[first:end], True)]
            position = end
    segments.append((text[position:], False))
    return [segment for segment in segments if segment[0]]


def _best_start(text: str, highlights: Sequence[Span]) -> int:
    """Returns the start of the sentence from which on most words match.

    Of several, the one with about CONTEXT_CHARACTERS before the first matched word.
    """
    if not highlights or len(text) <= SNIPPET_CHARACTERS:
        return 0

    def matches_and_context(start: int) -> tuple[int, int]:
        end = _end(text, start)
        shown = [one for one in highlights if start <= one[0] and one[1] <= end]
        context = shown[0][0] - start if shown else 0
        return len(shown), -abs(context - CONTEXT_CHARACTERS)

    starts = (one.start() for one in _SENTENCE_START.finditer(text))
    return max(starts, key=matches_and_context, default=0)


def _end(text: str, start: int) -> int:
    """Returns the end of the last sentence in the second half of the limit, or of the last word."""
    limit = start + SNIPPET_CHARACTERS
    if limit >= len(text):
        return len(text)
    half = start + SNIPPET_CHARACTERS // 2
    ends = [one.end() for one in _SENTENCE_END.finditer(text, half, limit)]
    space = text.rfind(" ", start + 1, limit)
    return ends[-1] if ends else space if space > 0 else limit
