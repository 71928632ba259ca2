"""`cluster.yaml` is a valid file of the Ray cluster launcher."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT


@pytest.fixture
def prepared() -> dict[str, Any]:
    """The file with the defaults of the launcher."""
    from ray.autoscaler._private.util import prepare_config

    return prepare_config(yaml.safe_load((ROOT / "cluster.yaml").read_text()))


def test_launcher_file_is_valid_for_ray(prepared: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import validate_config

    validate_config(prepared)


def test_launcher_file_defines_cpu_and_gpu_workers_with_limits(prepared: dict[str, Any]) -> None:
    kinds = dict(prepared["available_node_types"])
    head = kinds.pop(prepared["head_node_type"])
    assert head["resources"]["CPU"] == 0
    assert any(kind["resources"].get("GPU") for kind in kinds.values())
    assert any(not kind["resources"].get("GPU") for kind in kinds.values())
    for kind in kinds.values():
        assert kind["resources"]["CPU"] > 0 and kind["resources"]["memory"] > 0
        assert 0 <= kind["min_workers"] <= kind["max_workers"]
    assert prepared["max_workers"] >= sum(kind["max_workers"] for kind in kinds.values())


def test_launcher_file_excludes_local_files(prepared: dict[str, Any]) -> None:
    assert {".venv", "var", ".git"} <= set(prepared["rsync_exclude"])
    assert prepared["file_mounts"]


TOKEN, VARIABLES = "/home/ubuntu/.ray/auth_token", "/home/ubuntu/.paperworks.env"


def test_launcher_file_mounts_token_and_addresses(prepared: dict[str, Any]) -> None:
    mounted = prepared["file_mounts"]
    assert mounted[TOKEN].endswith("/.ray/auth_token")
    assert mounted[VARIABLES].endswith("/.paperworks.env")


@pytest.mark.parametrize("kind", ["head", "worker"])
def test_node_start_command_passes_token_and_addresses(
    prepared: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    """Runs the command in a home like that of a node, with a `ray` that prints its environment."""
    [start] = [one for one in prepared[f"{kind}_start_ray_commands"] if "ray start" in one]
    done = run_on_node(start, node_home(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "has_token=True",
        "umask=0o77",
        "mode=token",
        "DATABASE_URL=postgresql://me:p&w d@host/db?sslmode=require",
        "modes=['0o600', '0o600']",
        f"python={tmp_path}/paperworks/.venv/bin/python",
    ]


@pytest.mark.parametrize("missing", [".ray/auth_token", ".paperworks.env"])
def test_node_start_command_fails_without_token_or_addresses(
    prepared: dict[str, Any], missing: str, tmp_path: Path
) -> None:
    home = node_home(tmp_path)
    (home / missing).unlink()
    done = run_on_node(prepared["head_start_ray_commands"][-1], home)
    assert done.returncode != 0 and missing in done.stderr
    assert "has_token" not in done.stdout


# The token check of `ray start` (ray/scripts/scripts.py).
FAKE_RAY = """\
#!{python}
import os
import shutil
from pathlib import Path
from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
from ray._raylet import AuthenticationTokenLoader
ensure_token_if_auth_enabled(None, create_token_if_missing=False)
home = Path.home()
before = os.umask(0)
print(f"has_token={{AuthenticationTokenLoader.instance().has_token()}}")
print(f"umask={{oct(before)}}")
print(f"mode={{os.environ['RAY_AUTH_MODE']}}")
print(f"DATABASE_URL={{os.environ['DATABASE_URL']}}")
files = (home / ".ray/auth_token", home / ".paperworks.env")
print(f"modes={{[oct(file.stat().st_mode & 0o777) for file in files]}}")
print(f"python={{shutil.which('python')}}")
"""


def node_home(folder: Path) -> Path:
    """Creates a home like the launcher; rsync keeps the modes of an operator with umask 022."""
    ray = folder / "paperworks" / ".venv" / "bin" / "ray"
    ray.parent.mkdir(parents=True)
    ray.write_text(FAKE_RAY.format(python=sys.executable))
    ray.chmod(0o755)
    ray.with_name("python").symlink_to(sys.executable)
    (folder / ".ray").mkdir()
    (folder / ".ray" / "auth_token").write_text("0" * 64)
    url = "postgresql://me:p&w d@host/db?sslmode=require"
    (folder / ".paperworks.env").write_text(f"DATABASE_URL='{url}'\nMILVUS_URI=http://m:1\n")
    return folder


def run_on_node(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command in a shell like the launcher, with this folder as the home of the node."""
    unlimited = command.replace("ulimit -n 65536", "true").replace("/home/ubuntu", str(home))
    return subprocess.run(
        ["bash", "-c", unlimited],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "RAY_HEAD_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
