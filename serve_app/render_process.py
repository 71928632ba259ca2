"""Draws pages in a process of its own: `python -m serve_app.render_process`, started by a Renderer.

Reads one JSON line per picture from stdin, writes a JSON line and the PNG behind it to stdout, and
ends when stdin does, or after a minute without work.
"""

from __future__ import annotations

import json
import os
import resource
import select
from typing import Any, BinaryIO, cast

from domain.errors import PaperworksError
from domain.papers import Box
from pipelines.render import figure_png, page_png

IDLE_SECONDS = 60.0
CPU_SECONDS = 20  # for one picture; a PDF can ask for years
MEMORY_BYTES = 2 * 1024**3  # of address space; above it, MuPDF gets none and gives up


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests until there are no more, or none for a while."""
    while select.select([requests], [], [], IDLE_SECONDS)[0]:
        line = requests.readline()
        if not line:
            return
        limit_time()
        head, png = answer(json.loads(line))
        answers.write(json.dumps(head).encode() + b"\n" + png)
        answers.flush()


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """`{"bytes": n}` with the PNG, or the code, message and page of an error with nothing."""
    path, dpi = request["path"], request["dpi"]
    boxes = [Box(**box) for box in request["boxes"]]
    try:
        if request["page"] is None:
            png = figure_png(path, boxes[0], dpi)
        else:
            png = page_png(path, request["page"], dpi=dpi, highlights=boxes)
    except PaperworksError as error:
        return {"code": error.code, "message": error.message, "page": error.page}, b""
    return {"bytes": len(png)}, png


def limit_time() -> None:
    """The process is ended by the system when this picture takes more than CPU_SECONDS."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    # Unbuffered: `select` must not miss a line that a buffer holds.
    with open(0, "rb", buffering=0, closefd=False) as lines:
        serve(cast(BinaryIO, lines), answers)
