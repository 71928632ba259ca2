"""`pymupdf` without its layout models and without output on stderr. The only module that imports it
directly.

PyMuPDF 2.0 runs `import pymupdf.layout` inside `try/except ImportError`; that loads ONNX models
(about 60 MB and half a second) for `get_layout` and `find_tables`, which this project never calls.
A None in `sys.modules` makes that import raise ImportError, which PyMuPDF takes for "not
installed". The same holds for `pymupdf4llm`, which imports onnxruntime.
"""

import os
import sys

# PyMuPDF imports onnxruntime, which otherwise stores usage data in ~/.cache/Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("pymupdf.layout", None)  # pyright: ignore[reportArgumentType]
sys.modules.setdefault("pymupdf4llm", None)  # pyright: ignore[reportArgumentType]

import pymupdf  # noqa: E402

# MuPDF prints a line on stderr for each defect of a file; those that matter raise an exception.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

__all__ = ["pymupdf"]
