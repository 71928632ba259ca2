"""Environment variables for processes that handle PDFs: no addresses, no credentials, no Ray."""

from __future__ import annotations

import os
from collections.abc import Mapping

_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "TESSDATA_PREFIX", "TMPDIR")
_KEPT_PREFIXES = ("LC_", "OMP_", "OPENBLAS_", "MKL_")
# Thread pools of numerical libraries that would otherwise have a thread per core of the machine, in
# each of as many worker processes.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def parser_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Returns the environment of the parser, the renderer and Tesseract.

    An allowlist: locale, search paths of programs and shared libraries (some builds of Python do
    not start without LD_LIBRARY_PATH), thread counts (one unless set) and Tesseract's data. HOME is
    a path that does not exist, so that no library reads or writes a user's files.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return {**ONE_THREAD, **kept, "HOME": "/nonexistent", "TOKENIZERS_PARALLELISM": "false"}
