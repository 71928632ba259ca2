"""Reads one PDF and prints it as Markdown, JSON or plain text: `python -m extraction paper.pdf`.

Needs no service, no Ray and no stores. Exit status: 0 when the paper was written, 1 when the PDF
could not be read or the output could not be written, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from domain.errors import (
    DamagedPdf,
    NoPages,
    NoText,
    OcrUnavailable,
    PaperworksError,
    PasswordProtected,
    TooManyPages,
    TruncatedPdf,
)
from domain.papers import Paper
from extraction.export.markdown import to_markdown
from extraction.export.paper_json import to_json
from extraction.ocr.engines import choose_engine
from extraction.options import ExtractOptions, LayoutMode, OcrEngine
from extraction.quality import review_reasons
from extraction.steps import DEFAULTS, can_ocr, read_whole

FORMATS = ("markdown", "json", "text")
OK, FAILED = 0, 1
_HEADER, _HEADER_BYTES = b"%PDF-", 1024  # a PDF has its header within the first 1,024 bytes

_NEXT_STEPS: dict[type[PaperworksError], str] = {
    PasswordProtected: "The PDF is encrypted and needs a password. Save a copy without a password "
    "and read the copy.",
    DamagedPdf: "The PDF is damaged and could not be repaired. Download or export it again.",
    TruncatedPdf: "The PDF is truncated: the end of the file is missing. Download it again.",
    NoPages: "The PDF has no pages. Download or export it again.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status. Raises SystemExit(2) for wrong arguments, after a message on stderr."""
    options = _options(arguments)
    try:
        paper = _read(options)
        _write(_rendered(paper, options), options.out)
    except BrokenPipeError:  # the reader of the pipe has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _failed(
            f"{error.filename or options.out or options.pdf}: {error.strerror or error}. Check the "
            "path, its permissions and the free space."
        )
    except MemoryError:
        return _failed(
            f"{options.pdf}: The PDF needs more memory than is free. Nothing was written. Close "
            "other programs, or print the PDF to a new file and read that."
        )
    except PaperworksError as error:
        return _failed(f"{options.pdf}: {_explained(error, options)} Nothing was written.")
    for reason in review_reasons(paper):
        sys.stderr.write(f"{options.pdf}: check the result: {reason}.\n")
    return OK


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m extraction",
        description="Read a PDF paper and print it. Needs no running service.",
        epilog="Exit status: 0 written, 1 the PDF could not be read or the output could not be "
        "written, 2 wrong arguments. The JSON document is described in "
        "extraction/export/paper_json.py.",
    )
    parser.add_argument("pdf", type=Path, metavar="paper.pdf", help="the PDF to read")
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="default: markdown")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument(
        "--layout",
        choices=[mode.value for mode in LayoutMode],
        default=LayoutMode.AUTO.value,
        help="tables and figures: off; auto (default): the layout model runs only on pages where "
        "the rules find too little; always: on every page",
    )
    parser.add_argument(
        "--ocr",
        choices=[engine.value for engine in OcrEngine],
        default=OcrEngine.AUTO.value,
        help="for scanned pages; auto (default): the best program that is installed",
    )
    parser.add_argument(
        "--max-pages",
        type=int,
        default=DEFAULTS.max_pages,
        metavar="N",
        help="refuse a PDF with more pages (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if options.max_pages < 1:
        parser.error("--max-pages must be 1 or more.")
    if not options.pdf.is_file():
        parser.error(f"{options.pdf} is not a file. Give the path of a PDF.")
    if options.out and not options.out.absolute().parent.is_dir():
        parser.error(f"The folder of {options.out} does not exist. Create it first.")
    if options.out and options.out.is_dir():
        parser.error(f"{options.out} is a folder. Give the path of a file.")
    return options


def _read(options: argparse.Namespace) -> Paper:
    options.pdf.open("rb").close()  # raises OSError with its reason; MuPDF reports damage instead
    engine = OcrEngine(options.ocr)
    if engine not in (OcrEngine.AUTO, OcrEngine.OFF):
        choose_engine(engine)  # raises OcrUnavailable when it is not installed
    layout = LayoutMode(options.layout)
    return read_whole(
        options.pdf, ExtractOptions(max_pages=options.max_pages, layout=layout, ocr=engine)
    )


def _rendered(paper: Paper, options: argparse.Namespace) -> str:
    if options.format == "json":
        digest = hashlib.sha256(options.pdf.read_bytes()).hexdigest()
        return to_json(paper, options.pdf.name, digest)
    if options.format == "text":
        return "\n\n".join(block.text for block in paper.blocks) + "\n"
    return to_markdown(paper)


def _write(text: str, out: Path | None) -> None:
    """Writes UTF-8 in any locale; what UTF-8 cannot express becomes a question mark."""
    data = text.encode("utf-8", "replace")
    if out:
        out.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _explained(error: PaperworksError, options: argparse.Namespace) -> str:
    """What happened and what to do next, for a user of this command."""
    if isinstance(error, DamagedPdf) and not _has_header(options.pdf):
        return "The file is not a PDF: its first 1,024 bytes contain no %PDF- header. Give a PDF."
    if isinstance(error, TooManyPages):
        return (
            f"The PDF has more than {options.max_pages} pages. Raise --max-pages, or split the PDF."
        )
    if isinstance(error, NoText):
        return f"No text was found in the PDF. {_ocr_advice(options)}"
    if isinstance(error, OcrUnavailable):
        return f"{error.message} Or run the command with --ocr auto."
    return _NEXT_STEPS.get(type(error), error.message)


def _has_header(path: Path) -> bool:
    with path.open("rb") as file:
        return _HEADER in file.read(_HEADER_BYTES)


def _ocr_advice(options: argparse.Namespace) -> str:
    if options.ocr == OcrEngine.OFF:
        return "If its pages are scans, run the command with --ocr auto."
    if not can_ocr(ExtractOptions(ocr=OcrEngine(options.ocr))):
        return "Its pages may be scans: install tesseract-ocr and run the command again."
    return "Its pages are blank, or OCR found no text on them. Check the file in a viewer."


def _failed(message: str) -> int:
    sys.stderr.write(message + "\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
