"""Filenames from outside as labels: harmless to store, to show and to log."""

from __future__ import annotations

import re

UNNAMED = "untitled.pdf"
LABEL_CHARACTERS = 255

# PostgreSQL stores neither NUL nor lone surrogates (which is how Python shows the bytes of a name
# on disk that are no UTF-8).
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)


def filename_label(name: str | None) -> str:
    """The last component of a filename, to be read: 255 characters at most, none of control.

    It never names a file on disk. Direction marks go too: they make "fdp.exe" read as "exe.pdf".
    """
    last = re.split(r"[/\\]", name or "")[-1]
    clean = " ".join(_UNPRINTABLE.sub(" ", last).split())
    return clean[:LABEL_CHARACTERS] if clean.strip(".") else UNNAMED
