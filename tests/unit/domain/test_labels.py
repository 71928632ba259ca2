"""filename_label: labels are safe for a database, a terminal and a person."""

from __future__ import annotations

import pytest

from domain.labels import LABEL_CHARACTERS, UNNAMED, filename_label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("paper.pdf", "paper.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\papers\\a.pdf", "a.pdf"),
        ("a\0b.pdf", "a b.pdf"),
        (b"caf\xe9.pdf".decode("utf-8", "surrogateescape"), "caf .pdf"),
        ("half a pair \ud83d.pdf", "half a pair .pdf"),
        ("a whole pair \U0001f389.pdf", "a whole pair \U0001f389.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("two\r\nlines.pdf", "two lines.pdf"),
        ("n" * 300, "n" * LABEL_CHARACTERS),
        ("\0\ud800", UNNAMED),
        ("..", UNNAMED),
        (None, UNNAMED),
    ],
)
def test_filename_label_removes_unsafe_characters(name: str | None, label: str) -> None:
    assert filename_label(name) == label
    assert "\0" not in label and label.encode()
