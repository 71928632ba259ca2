"""The CPU meter of the benchmarks counts processes that end between two samples."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.processes import CpuMeter

# Six children, one after the other, of 0.1 s each; then one that is sampled, and a busy parent.
WORK = """
import subprocess
import sys

BURN = "import time\\nwhile time.process_time() < {}: pass"
for seconds in (*[0.1] * 6, 1.2):
    subprocess.run([sys.executable, "-c", BURN.format(seconds)], check=True)
exec(BURN.format(0.5))
print(flush=True)
sys.stdin.read()
"""


def test_cpu_time_of_short_and_long_children_counts_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        with CpuMeter([process.pid]) as meter:
            process.stdout.readline()
        process.communicate()
    used = 6 * 0.1 + 1.2 + 0.5
    assert 0.9 * used < meter.seconds < 1.3 * used  # Linux counts in ticks of 10 ms
