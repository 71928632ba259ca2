"""Escapes text of a document for each output format; all of that text is untrusted."""

from __future__ import annotations

import html
import re

# Control characters (except tab and line ends), lone surrogates, bidirectional control characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
# Characters at the start of a line that make it a list, heading, quote, rule or code.
_LINE_START = re.compile(r"^(\s*)(?:([#+=-])|(\d{1,9})([.)])(?=\s|$))")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts the brace of \{ too
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{char: "\\" + char for char in "#$%&_"},
}
_LATEX_SPECIAL = re.compile("[" + re.escape("".join(_LATEX)) + "]")
_FORMULA = re.compile(r"[=+\-@＝＋－＠]")
_NUMBER = re.compile(
    r"[+\-＋－]?\s?(?:\d[\d.,\s]*|\.\d+)(?:[eE][+-]?\d+)?\s?%?(?:\s?±\s?[\d.,]+\s?%?)?"
    r"(?:\s?\([\d.,\s%]+\))?[*†‡]{0,3}"
)


def printable(text: str) -> str:
    """Returns the text on one line, without control characters."""
    return " ".join(_UNPRINTABLE.sub("", text).split())


def for_html(text: str) -> str:
    """Returns the text escaped for HTML, between tags or in a quoted attribute."""
    return html.escape(printable(text), quote=True)


def for_markdown(text: str) -> str:
    """Returns the text escaped for a line of Markdown: no markup, link, HTML or table border."""
    line = _MARKDOWN.sub(r"\\\1", printable(text))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINE_START.sub(_escaped_start, line)


def _escaped_start(found: re.Match[str]) -> str:
    if found[2]:
        return f"{found[1]}\\{found[2]}"
    return f"{found[1]}{found[3]}\\{found[4]}"


def for_latex(text: str) -> str:
    """Returns the text escaped for LaTeX or a braced BibTeX value; braces become commands."""
    return _LATEX_SPECIAL.sub(lambda found: _LATEX[found[0]], printable(text))


def for_csv(text: str) -> str:
    """Returns the text for a CSV cell, protected against formula injection.

    Text that a spreadsheet would run as a formula gets an apostrophe in front. Numbers, and text
    without letters and digits, are unchanged.
    See https://owasp.org/www-community/attacks/CSV_Injection
    """
    cell = printable(text)
    if not _FORMULA.match(cell) or not re.search(r"\w", cell) or _NUMBER.fullmatch(cell):
        return cell
    return "'" + cell
