"""Growth of memory per process is measured; constant memory is not reported as growth."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.soak.memory import MB, Line, MemoryOverPapers

GROWS = "import sys\nkept = []\nfor line in sys.stdin:\n    kept.append(b'x' * 4_000_000); print()"


def test_memory_slope_excludes_warm_up() -> None:
    papers = list(range(0, 400, 10))
    warming = [900 * number for number in papers[:10]]
    line = Line("x", papers, warming + [9_000 + 50 * number for number in papers[10:]])
    assert line.slope == pytest.approx(50)
    assert Line("y", [0, 0], [1, 5]).slope == 0


def test_memory_report_lists_growing_process_first() -> None:
    command = [sys.executable, "-u", "-c", GROWS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        memory = MemoryOverPapers(os.getpid())
        assert child.stdin and child.stdout
        for papers in range(8):
            child.stdin.write(b"\n")
            child.stdin.flush()
            child.stdout.readline()
            memory.sample(papers)
        child.stdin.close()
    [line] = [line for line in memory.shown() if line.name.endswith(f" {child.pid}")]
    assert line in memory.shown()[:2]  # the other one is the total
    assert line.slope / MB == pytest.approx(4, abs=0.5)
