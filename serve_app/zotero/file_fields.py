r"""The `file` field of BibTeX and CSL JSON exports: the paths of the attachments.

An attachment is a path, or `description:path:type`. Attachments are separated by semicolons. A
backslash precedes `\`, `:`, `;`, `{` and `}` that belong to a path or a description.
"""

from __future__ import annotations

import re

_ATTACHMENT = re.compile(r"(?:\\.|[^;\\])+", re.DOTALL)
_PART = re.compile(r":|(?:\\.|[^:\\])+", re.DOTALL)
_ESCAPE = re.compile(r"\\([\\:;{}])")


def pdf_paths(field: str) -> tuple[str, ...]:
    """Returns the paths of the attachments that are PDFs by their type or their file name."""
    attachments = (_path_and_type(one.strip()) for one in _ATTACHMENT.findall(field))
    return tuple(path for path, kind in attachments if is_pdf(path, kind))


def is_pdf(path: str, kind: str) -> bool:
    """True if the type or the ending of the path is that of a PDF."""
    return bool(path) and ("pdf" in kind.lower() or path.lower().endswith(".pdf"))


def _path_and_type(attachment: str) -> tuple[str, str]:
    """Returns path and type. A path alone may have a colon without escape: `C:/papers/a.pdf`."""
    parts = [""]
    for token in _PART.findall(attachment):
        if token == ":":
            parts.append("")
        else:
            parts[-1] = _unescaped(token)
    if len(parts) < 3:
        return ":".join(parts), ""
    return ":".join(parts[1:-1]), parts[-1]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)
