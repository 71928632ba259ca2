"""filename_label: labels are safe for a database, a terminal and a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.labels import LABEL_CHARACTERS, UNNAMED, filename_label, upload_label


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


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("part 1/main.pdf", "part 1/main.pdf"),
        ("a/b/c\x00d.pdf", "a/b/c d.pdf"),
        ("main.pdf", "main.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("a/../b.pdf", "b.pdf"),
        ("/etc/passwd.pdf", "passwd.pdf"),
        ("a//b.pdf", "b.pdf"),
        ("C:\\papers/b.pdf", "b.pdf"),
        ("a/", "a/untitled.pdf"),
        (None, UNNAMED),
        (f"{'x' * 200}/{'y' * 60}/main.pdf", f"{'y' * 60}/main.pdf"),
    ],
)
def test_upload_label_keeps_the_path_below_a_folder(name: str | None, label: str) -> None:
    assert upload_label(name) == label


@given(st.text(max_size=400))
def test_upload_label_is_a_relative_path_of_labels(name: str) -> None:
    label = upload_label(name)
    assert 0 < len(label) <= LABEL_CHARACTERS
    assert all(part == filename_label(part) and part.strip(".") for part in label.split("/"))
