"""Server processes: no Ctrl-C reaches them, and they share the CPU with the service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from runtime.processes import spawn, stop, wait_for_port
from tests.paths import ROOT

WAIT = "import time; time.sleep(60)"
SPAWNS_FROM_SHORT_THREAD = """
import sys, threading, time
from pathlib import Path
from runtime.processes import spawn

log, started = Path(sys.argv[1]), []

def start() -> None:
    started.append(spawn([sys.executable, "-uc", "print(); import time; time.sleep(60)"], log))
    while not log.stat().st_size:
        time.sleep(0.01)

thread = threading.Thread(target=start)
thread.start()
thread.join()
print(started[0].wait(), flush=True)
"""
# Threads of C code register with the interpreter, as those of Ray do, while servers are started.
SPAWNS_BESIDE_C_THREADS = """
import ctypes, os, sys, threading
from pathlib import Path
from runtime.processes import spawn

library = ctypes.CDLL(None)
registered = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: None)

def register() -> None:
    thread = ctypes.c_ulong()
    while True:
        library.pthread_create(ctypes.byref(thread), None, registered, None)
        library.pthread_join(thread, None)

for _ in range(4):
    threading.Thread(target=register, daemon=True).start()
for _ in range(int(sys.argv[2])):
    assert spawn(["true"], Path(sys.argv[1])).wait() == 0
print("started", flush=True)
os._exit(0)
"""
# A child exists before the block, another starts in it; both leave an orphan that ignores SIGTERM.
ENDS_DESCENDANTS = """
import subprocess, sys
from runtime.processes import descendants_ended

ORPHAN = "import signal, time; signal.signal(15, signal.SIG_IGN); print(); time.sleep(600)"
CHILD = f'''
import subprocess, sys
orphan = subprocess.Popen([sys.executable, "-uc", {ORPHAN!r}], stdout=subprocess.PIPE)
orphan.stdout.readline()
print(orphan.pid, flush=True)
sys.stdin.read()
'''

def start():
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=-1)
    print(int(child.stdout.readline()))
    return child

before = start()
with descendants_ended(0.5):
    before.communicate()
    start().communicate()
"""


def test_spawned_server_has_own_process_group_in_session_of_parent(tmp_path: Path) -> None:
    server = spawn([sys.executable, "-c", WAIT], tmp_path / "server.log")
    try:
        assert os.getpgid(server.pid) == server.pid
        assert os.getsid(server.pid) == os.getsid(0)
    finally:
        stop(server)


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that imports this checkout."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    )


def test_servers_start_while_threads_register_with_the_interpreter(tmp_path: Path) -> None:
    assert run(SPAWNS_BESIDE_C_THREADS, str(tmp_path / "log"), "150").stdout == "started\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_server_ends_with_the_thread_that_started_it(tmp_path: Path) -> None:
    answer = run(SPAWNS_FROM_SHORT_THREAD, str(tmp_path / "log"))
    assert int(answer.stdout) == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_server_ends_if_its_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from runtime.processes import spawn
log = Path({str(tmp_path / "log")!r})
server = spawn([sys.executable, "-uc", "print();" + {WAIT!r}], log)
while not log.stat().st_size:
    time.sleep(0.01)
print(server.pid, flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        psutil.wait_procs([server], timeout=30)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_CHILD_SUBREAPER")
def test_descendants_end_with_the_block_even_as_orphans() -> None:
    pids = [int(line) for line in run(ENDS_DESCENDANTS).stdout.split()]
    assert len(pids) == 2
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_command_that_does_not_exist_is_in_the_error(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    server = spawn([str(tmp_path / "no-such-server")], log)
    with pytest.raises(RuntimeError, match="No such file"):
        wait_for_port(1, server, 30, log)
