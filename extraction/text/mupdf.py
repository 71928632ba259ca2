"""`pymupdf` without its layout models, and quiet: the only module that imports it first.

PyMuPDF 2.0 runs `import pymupdf.layout` inside `try/except ImportError`; that loads ONNX models
(about 60 MB and half a second) for `get_layout` and `find_tables`, which the reader never calls. A
None in `sys.modules` makes that import raise ImportError, which PyMuPDF takes for "not installed".
The same holds for `pymupdf4llm`, which brings onnxruntime.
"""

import os
import sys

# PyMuPDF imports onnxruntime, which otherwise keeps a database of usage in ~/.cache/Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("pymupdf.layout", None)  # pyright: ignore[reportArgumentType]
sys.modules.setdefault("pymupdf4llm", None)  # pyright: ignore[reportArgumentType]

import pymupdf  # noqa: E402

# MuPDF prints a line on stderr for each oddity of a file; what matters comes as an exception.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

__all__ = ["pymupdf"]
