"""Worker processes and their sandbox have no thread pool with a thread per core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs.settings import Settings
from serve_app.process.environment import ray_environment
from tests.paths import ROOT

# A cluster of its own: Ray's processes inherit the variables of the one that starts them.
WORKER = """
import json, os, sys
from pathlib import Path

import ray


def threads():
    import numpy, psutil, pyarrow
    from threadpoolctl import threadpool_info

    import pipelines.stages
    from pipelines.extract import EXTRACT_STEP, WARM
    from pipelines.extracted_paper import ExtractedPaper
    from runtime.sandbox.client import Sandbox
    from tests.extraction_harness import extraction_config
    from tests.records import make_task

    config = extraction_config()
    sandbox = Sandbox(WARM, config)
    paper = Path("samples/reading-order.pdf")
    sandbox.run(EXTRACT_STEP, make_task(), config, None, limits=config.limits, file=paper,
                returns=ExtractedPaper)
    warm = psutil.Process(sandbox.warm_pid)
    pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}
    found = {"pools": pools, "arrow": pyarrow.cpu_count(), "parser": warm.num_threads(),
             "parser OMP": warm.environ().get("OMP_NUM_THREADS")}
    sandbox.close()
    return found


ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False,
         object_store_memory=80 * 1024 * 1024, logging_level=40)
print(json.dumps(ray.get(ray.remote(num_cpus=2)(threads).remote())))
"""


@pytest.mark.servers
def test_worker_has_one_thread_in_each_numerical_pool(tmp_path: Path) -> None:
    variables = ray_environment(Settings(home=tmp_path))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    ended = subprocess.run(
        [sys.executable, "-c", WORKER],
        env={**plain, **variables, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert set(found["pools"].values()) == {1}
    assert (found["arrow"], found["parser"], found["parser OMP"]) == (1, 1, "1")
