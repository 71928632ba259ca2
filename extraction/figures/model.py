"""PyMuPDF's layout model: what kind of thing stands where on a page.

Loaded when first asked for (0.25 s, about 60 MB) and kept by the process; a page costs 0.1-0.3 CPU
seconds. Its feature set "rf" looks at type, place and rules, not at pixels: a third of the cost.
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
from extraction.text.mupdf import pymupdf

_PACKAGE = "pymupdf.layout"
_ANTIALIASING_BITS = 8  # MuPDF's own default


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
    """What the model takes a piece of a page for."""

    kind: RegionKind
    box: Box


def layout_regions(page: Any, threads: int = 1) -> list[Region]:
    """The regions of a page, in the order the model found them, boxes on the page as shown.

    `threads` is what ONNX Runtime may use; the first call of a process decides. A page that is
    rotated, or whose text runs sideways, is turned upright for the model. Raises Unavailable when
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
    finally:  # the model switches it off for all of MuPDF, to count colours
        pymupdf.TOOLS.set_aa_level(_ANTIALIASING_BITS)
    back = _turned(turn, page.cropbox) * page.rotation_matrix
    return [
        Region(RegionKind(kind), _box(page, pymupdf.Rect(place) * back)) for *place, kind in found
    ]


@lru_cache(maxsize=1)
def _model(threads: int) -> Any:
    """The model without the parts that look at images and at the cells of tables."""
    try:
        module = _load("onnx.BoxRFDGNN")
        runtime = importlib.import_module("onnxruntime")

        class Pinned(module.BoxRFDGNN):
            def load_onnx_model(self, model_path: str) -> None:
                self.session = _session(runtime, model_path, threads)

        # "V1" is the smallest table model: one must be loaded.
        model = Pinned(feature_set_name="rf", imf_model_path="", table_grid_model_ver="V1")
    except Exception as error:  # a missing file, another version: all mean the same for the caller
        raise Unavailable("The layout model of PyMuPDF cannot be loaded.") from error
    model.table_grid_extractor = None
    return model


def _load(name: str) -> ModuleType:
    """A module of pymupdf.layout without what that package does when it is imported.

    Its `__init__` loads all models and hangs them into `find_tables`; `extraction.text.mupdf` keeps
    that from happening with a None in `sys.modules`, which an empty package replaces here.
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
    options.enable_cpu_mem_arena = False  # else the largest page's memory is kept for ever
    options.log_severity_level = 3  # it warns of shapes on each page
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(path, sess_options=options, providers=["CPUExecutionProvider"])


def _main_turn(page: Any) -> int:
    """The quarter turns, clockwise, of most of the text before the page itself is rotated."""
    weights = [0, 0, 0, 0]
    for block in page.get_text("dict", flags=pymupdf.TEXT_MEDIABOX_CLIP)["blocks"]:
        for line in block.get("lines", ()):
            across, down = line["dir"]
            turn = 0 if across > 0.5 else 1 if down > 0.5 else 2 if across < -0.5 else 3
            weights[turn] += sum(len(span["text"]) for span in line["spans"])
    return weights.index(max(weights))


def _upright(page: Any, turn: int) -> Any:
    """A document of one page: this one, its rotation and the turn of its text undone."""
    document = pymupdf.open()
    document.insert_pdf(
        page.parent, from_page=page.number, to_page=page.number, links=False, annots=False
    )
    document[0].set_rotation(0)
    if not turn:
        return document
    with document:
        width, height = document[0].rect.width, document[0].rect.height
        turned = pymupdf.open()
        copy = turned.new_page(
            width=height if turn % 2 else width, height=width if turn % 2 else height
        )
        copy.show_pdf_page(copy.rect, document, 0, rotate=90 * turn)
        return turned


def _turned(turn: int, place: Any) -> Any:
    """The matrix that turns an upright page of this size back by so many quarters, clockwise."""
    width, height = place.width, place.height
    return pymupdf.Matrix(
        *(
            (1, 0, 0, 1, 0, 0),
            (0, 1, -1, 0, width, 0),
            (-1, 0, 0, -1, width, height),
            (0, -1, 1, 0, 0, height),
        )[turn]
    )


def _box(page: Any, place: Any) -> Box:
    x0, y0, x1, y1 = (round(value, 1) for value in place)
    return Box(page.number + 1, x0, y0, x1, y1)
