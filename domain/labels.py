"""Sanitizes untrusted file names into labels that are safe to store, show and log."""

from __future__ import annotations

import re

UNNAMED = "untitled.pdf"
LABEL_CHARACTERS = 255
PATH_CHARACTERS = 1000

# PostgreSQL cannot store NUL or lone surrogates (Python's representation of the bytes of a file
# name that is not valid UTF-8).
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)


def filename_label(name: str | None) -> str:
    """Returns the last path component: at most 255 characters, without control characters.

    The label is never used as a path. Bidirectional formatting characters are removed too: they can
    display "fdp.exe" as "exe.pdf".
    """
    last = re.split(r"[/\\]", name or "")[-1]
    clean = " ".join(_UNPRINTABLE.sub(" ", last).split())
    return clean[:LABEL_CHARACTERS] if clean.strip(".") else UNNAMED


def upload_label(name: str | None) -> str:
    """Returns the label of a file: its path below the folder that was given, of labels, or its last
    component if the name is no such path.

    A label of more than 255 characters loses its first folders.
    """
    folders = (name or "").split("/")[:-1]
    if "\\" in (name or "") or any(not folder.strip(" .") for folder in folders):
        return filename_label(name)
    label = path_label(name or "")
    while len(label) > LABEL_CHARACTERS:
        label = label.partition("/")[2]
    return label


def path_label(path: str) -> str:
    """Returns a relative path whose components are labels; its last PATH_CHARACTERS characters."""
    return "/".join(map(filename_label, path.split("/")))[-PATH_CHARACTERS:]
