"""The session of the service has a lower CPU priority than those of PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.niceness import SESSION, SESSION_NICE, lowered_session
from tests.paths import ROOT

# In a session of its own, which the test may change.
OF_A_NEW_SESSION = """
from pathlib import Path

from runtime.niceness import lowered_session

session = Path("/proc/self/autogroup")
with lowered_session():
    print(session.read_text().split()[-1])
print(session.read_text().split()[-1])
"""


def written(folder: Path, text: str) -> tuple[str, str]:
    """Returns the content of a session's file within the block and after it."""
    session = folder / "autogroup"
    session.write_text(text)
    with lowered_session(session):
        inside = session.read_text()
    return inside, session.read_text()


def test_session_is_lowered_during_the_block(tmp_path: Path) -> None:
    assert written(tmp_path, "/autogroup-25 nice 0\n") == (str(SESSION_NICE), "0")


@pytest.mark.parametrize("text", ["/autogroup-25 nice 10\n", "", "no number"])
def test_lower_or_unknown_value_is_unchanged(text: str, tmp_path: Path) -> None:
    assert written(tmp_path, text) == (text, text)


def test_system_without_sessions_of_that_kind_is_unchanged(tmp_path: Path) -> None:
    with lowered_session(tmp_path / "missing"):
        assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not SESSION.exists(), reason="Linux without autogroups")
def test_linux_accepts_the_value() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", OF_A_NEW_SESSION],
        cwd=ROOT,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    inside, after = ended.stdout.split()
    assert inside == str(SESSION_NICE)
    assert after in ("0", inside)  # Linux limits how often an ordinary user may change it
