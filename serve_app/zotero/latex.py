"""Text of LaTeX as it occurs in bibliographies."""

from __future__ import annotations

import logging

from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

from serve_app.zotero.entries import single_line

# Macros that Zotero and the exports of this library write and that pylatexenc does not know.
_CHARACTERS = {
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textbraceleft": "{",
    "textbraceright": "}",
    "textasciicircum": "^",
    "textunderscore": "_",
    "textquotedbl": '"',
    "copyright": "©",
    "TeX": "TeX",
    "LaTeX": "LaTeX",
}
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)


def _decoder() -> LatexNodes2Text:
    context = get_default_latex_context_db()
    macros = [MacroTextSpec(name, char) for name, char in _CHARACTERS.items()]
    context.add_context_category("bibliography", prepend=True, macros=macros)
    return LatexNodes2Text(context, math_mode="text", keep_comments=True)


_DECODER = _decoder()


def decoded(latex: str) -> str:
    """Returns the text of LaTeX, on one line; text that is not valid LaTeX without its braces."""
    try:
        text: str = _DECODER.latex_to_text(latex)
    except Exception:  # for example IndexError for a macro without its argument
        text = latex.translate({ord("{"): None, ord("}"): None})
    return single_line(text)
