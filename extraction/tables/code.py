"""Tells program code from a table: both stand between rules and have columns."""

from __future__ import annotations

import re

from extraction.tables.cells import Rows

# Heuristic: share of the rows, 0 to 1, that have a mark of a programming language.
_MIN_CODE_SHARE = 0.5
_CODE = re.compile(
    r"[;{}]$|^[{}]|[;\s](?://|/\*|--\s)|^#include|\w\(\w*\)\s*[:{;]|"  # ends, comments, calls
    r"\w\s*(?:\+=|-=|:=|==|!=|->|=>|&&|\|\|)\s*\w|"  # operators
    r'^"\w+"\s*:|'  # keys of JSON
    r"^\w+:\s+\w+\s+\w+,|^\s*;|\s;\s|"  # labels and comments of assembly
    r"^(?:def|class|for|while|if|elif|else|return|import|from|public|private|static|void|int|char|"
    r"float|double|long|bool|const|var|let|function|begin|end|procedure|print|self\.)\b.*[:({;=]"
)


def is_code(rows: Rows) -> bool:
    """Returns whether at least half of the rows have marks of a programming language."""
    lines = [" ".join(cell.text for cell in row if cell.text) for row in rows]
    found = sum(bool(_CODE.search(line)) for line in lines)
    return found >= _MIN_CODE_SHARE * len(lines)
