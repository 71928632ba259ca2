"""Snippets: the part of a passage with most matched words, cut at sentences."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from serve_app.library.snippets import (
    SNIPPET_CHARACTERS,
    Segment,
    Span,
    marked,
    snippet,
    snippet_span,
)

LONG = "Nothing of interest is said here at all. " * 20


def highlight(text: str, word: str) -> list[Span]:
    start = text.index(word)
    return [(start, start + len(word))]


def shown(text: str, spans: list[Span]) -> list[Segment]:
    return snippet(text, snippet_span(text, spans), spans)


def test_short_text_is_shown_completely() -> None:
    text = "Light bends near the sun."
    assert shown(text, highlight(text, "bends")) == [
        ("Light ", False),
        ("bends", True),
        (" near the sun.", False),
    ]


def test_snippet_begins_with_a_sentence_near_the_match() -> None:
    text = f"{LONG}Atoms emit light. {LONG}"
    parts = shown(text, highlight(text, "emit"))
    assert parts[0] == ("… ", False) and ("emit", True) in parts
    assert parts[1][0].startswith("Nothing of interest") and len(parts[1][0]) < 150
    assert parts[-2][0].endswith("at all.") and parts[-1] == (" …", False)


def test_text_without_spaces_is_cut_at_the_limit() -> None:
    parts = shown("x" * 1000, [])
    assert parts == [("x" * SNIPPET_CHARACTERS, False), (" …", False)]


@example(" a", [1])
@given(st.text(alphabet="ab. ", max_size=900), st.lists(st.integers(0, 899), max_size=6))
def test_marked_text_is_the_text_itself(text: str, starts: list[int]) -> None:
    spans = [(one, one + 1) for one in sorted(starts) if one < len(text.rstrip())]
    assert "".join(part for part, _ in marked(text, spans)) == text
    part = "".join(words for words, _ in shown(text, spans)).removeprefix("… ")
    assert part.removesuffix(" …") in text and len(part) <= SNIPPET_CHARACTERS + 2
