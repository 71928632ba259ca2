"""Writes the warm-up PDF: one page that exercises every part of the extraction.

Reading it loads all modules and models before the first paper arrives.
"""

from __future__ import annotations

from pathlib import Path

from extraction.text.mupdf import pymupdf

_FRONT = """<h1>A Specimen with a Bit of Everything</h1>
<p>Ada Lovelace<sup>1</sup> and Alan M. Turing<sup>2</sup><br>
<sup>1</sup>Institute of Engines, London, UK <sup>2</sup>University of Numbers, ada@numbers.org</p>
<p>Journal of Specimens, Vol. 3 (2020) 1-2. Published 1 May 2020. doi:10.1000/specimen.1</p>
<h3>Abstract</h3>"""
_KEYWORDS = "<p>Keywords: reading, specimen, warm-up</p>"
# One of each kind: their patterns are compiled when they are first used.
_REFERENCES = (
    "A. Lovelace and C. Babbage. Notes on the engine of analysis. Scientific Memoirs, 3:666-731, "
    "1843. https://doi.org/10.1000/notes.2",
    "Turing, A. M., & Church, A. (1937). Numbers that are computable: A proof. Proceedings of the "
    "London Society, 42(1), 230–265.",
    "Hopper G, Aiken H. The manual of a large calculator. Annals Comput. 1946;11(2):1-9.",
    "J. von Neumann et al., “A draft of a report,” in Proc. 2nd Int. Conf. on Machines, H. Gold, "
    "Ed. New York: Press, 1945, pp. 12–30.",
    "Shannon, Claude: A theory of communication. In: Weaver, W. (ed.) Signals, part II, pp. 1–9. "
    "Springer, Heidelberg (1948)",
    "K. Zuse. The plan of a calculus. arXiv preprint arXiv:1301.00001, 2013.",
    "Wiener, N. Cybernetics, 2nd edn. Paris: Hermann; 1948. PhD thesis, University of Numbers.",
    "World Organisation of Specimens. Guideline on specimens. Geneva, 2019. http://specimens.org/g",
)
_PROSE = """<p>This page is read once, before the first paper comes, so that every part of reading
has been used and what it keeps in memory is there. It prints figures of no importance.</p>"""
_ROWS = (("Part", "Words", "Share"), ("front", "21", "0.19"), ("body", "78", "0.71"))


def write_warmup_pdf(path: Path) -> None:
    """Writes the warm-up PDF to this path."""
    document = pymupdf.open()
    page = document.new_page()
    sections = "".join(f"<h3>{n} Section {n}</h3>{_PROSE}" for n in (1, 2))
    numbered = "".join(f"<p>[{n}] {text}</p>" for n, text in enumerate(_REFERENCES, 1))
    body = f"{_FRONT}{_PROSE}{_KEYWORDS}{sections}<h3>References</h3>{numbered}"
    page.insert_htmlbox((50, 40, 545, 600), body)
    page.insert_text((50, 630), "Table 1: What the page holds.", fontsize=9)
    for y in (640, 656, 690):
        page.draw_line((50, y), (300, y))
    for number, row in enumerate(_ROWS):
        for column, text in enumerate(row):
            page.insert_text((55 + 90 * column, 652 + 16 * number), text, fontsize=9)
    document.save(path)
    document.close()
