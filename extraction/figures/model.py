"""PyMuPDF's layout model: classifies the regions of a page.

The model is loaded on first use (0.25 s, about 60 MB) and kept by the process; a page costs
0.1-0.3 CPU seconds. The feature set "rf" uses type, position and rules instead of pixels, which
costs a third.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from domain.errors import Unavailable
from domain.papers import Box
from extraction.geometry import Rect, box_of, quarter_turns, rotation_matrix
from extraction.text.mupdf import pymupdf

_PACKAGE = "pymupdf.layout"
_ANTIALIASING_BITS = 8  # MuPDF's default


class RegionKind(StrEnum):
    TEXT = "text"
    TITLE = "title"
    SECTION_HEADER = "section-header"
    LIST_ITEM = "list-item"
    TABLE = "table"
    PICTURE = "picture"
    CAPTION = "caption"
    FORMULA = "formula"
    FOOTNOTE = "footnote"
    PAGE_HEADER = "page-header"
    PAGE_FOOTER = "page-footer"


@dataclass(frozen=True, slots=True)
class Region:
    """A classified part of a page."""

    kind: RegionKind
    box: Box


def layout_regions(page: Any, threads: int = 1) -> list[Region]:
    """Returns the regions of a page in the model's order, with boxes on the page as shown.

    `threads` is the number of threads for ONNX Runtime; the first call of a process sets it. A
    rotated page, or one with rotated text, is made upright for the model. Raises Unavailable when
    the model cannot be loaded, and what MuPDF raises for a page it cannot read.
    """
    model = _model(threads)
    turn = _main_turn(page)
    try:
        if turn or page.rotation:
            with _upright(page, turn) as copy:
                found = model.predict(copy[0])
        else:
            found = model.predict(page)
    finally:  # the model disables antialiasing for all of MuPDF, to count colours
        pymupdf.TOOLS.set_aa_level(_ANTIALIASING_BITS)
    size = page.cropbox
    upright = pymupdf.Matrix(*rotation_matrix(turn, size.width, size.height))
    to_page = upright * page.rotation_matrix
    return [
        Region(RegionKind(kind), box_of(Rect(*(pymupdf.Rect(rect) * to_page)), page.number + 1))
        for *rect, kind in found
    ]


@lru_cache(maxsize=1)
def _model(threads: int) -> Any:
    """The model without its image features and its table grid extractor."""
    try:
        module = _load("onnx.BoxRFDGNN")
        runtime = importlib.import_module("onnxruntime")

        class Pinned(module.BoxRFDGNN):
            def load_onnx_model(self, model_path: str) -> None:
                self.session = _session(runtime, model_path, threads)

        # "V1" is the smallest table model: one must be loaded.
        model = Pinned(feature_set_name="rf", imf_model_path="", table_grid_model_ver="V1")
    except Exception as error:  # a missing file or another version: unavailable in each case
        raise Unavailable("The layout model of PyMuPDF cannot be loaded.") from error
    model.table_grid_extractor = None
    return model


def _load(name: str) -> ModuleType:
    """Imports a module of pymupdf.layout without running that package's `__init__`.

    The `__init__` loads all models and registers them with `find_tables`. `extraction.text.mupdf`
    prevents that with a None in `sys.modules`, which is replaced by an empty package here.
    """
    if sys.modules.get(_PACKAGE) is None:
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(Path(pymupdf.__file__).parent / "layout")]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{name}")


def _session(runtime: Any, path: str, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the memory of the largest page
    options.log_severity_level = 3  # errors only: it warns of shapes on each page
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(path, sess_options=options, providers=["CPUExecutionProvider"])


def _main_turn(page: Any) -> int:
    """The clockwise quarter turns of most of the text, before the rotation of the page."""
    weights = [0, 0, 0, 0]
    for block in page.get_text("dict", flags=pymupdf.TEXT_MEDIABOX_CLIP)["blocks"]:
        for line in block.get("lines", ()):
            turn = quarter_turns(*line["dir"])
            weights[turn] += sum(len(span["text"]) for span in line["spans"])
    return weights.index(max(weights))


def _upright(page: Any, turn: int) -> Any:
    """A document with this page only, made upright: without its rotation and that of its text."""
    document = pymupdf.open()
    document.insert_pdf(
        page.parent, from_page=page.number, to_page=page.number, links=False, annots=False
    )
    document[0].set_rotation(0)
    if not turn:
        return document
    with document:
        width, height = document[0].rect.width, document[0].rect.height
        upright = pymupdf.open()
        copy = upright.new_page(
            width=height if turn % 2 else width, height=width if turn % 2 else height
        )
        copy.show_pdf_page(copy.rect, document, 0, rotate=90 * turn)
        return upright
