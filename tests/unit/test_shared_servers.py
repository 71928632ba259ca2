"""Servers that several test modules share."""

from __future__ import annotations

import pytest

pytest_plugins = "pytester"

CONFTEST = """
import pytest
from contextlib import contextmanager
from tests.shared_servers import until_last_use

pytest_plugins = "tests.shared_servers"
LINES = []

@contextmanager
def made(name):
    LINES.append(f"+{name}")
    yield name
    LINES.append(f"-{name}")

def pytest_unconfigure():
    print("order:", *LINES)

@pytest.fixture(scope="session")
def service(pytestconfig):
    with until_last_use(pytestconfig, "service", made("service")) as server:
        yield server

@pytest.fixture(scope="session")
def driver(pytestconfig, service):
    with until_last_use(pytestconfig, "service", made("driver")) as server:
        yield server

@pytest.fixture(scope="session")
def cluster(pytestconfig):
    with until_last_use(pytestconfig, "cluster", made("cluster")) as server:
        yield server
"""
MODULE = """
from conftest import LINES

def test_first({fixture}):
    LINES.append("{name}")

def test_without_server():
    pass
"""
FIXTURES = {"a": "service", "b": "", "c": "driver", "d": "cluster", "e": "service"}


def test_shared_server_ends_with_last_module_that_uses_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    modules = {
        f"test_{name}": MODULE.format(name=name, fixture=FIXTURES[name]) for name in FIXTURES
    }
    pytester.makepyfile(**modules)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(passed=2 * len(FIXTURES))
    groups = "+cluster d -cluster +service a +driver c e -driver -service b"
    result.stdout.fnmatch_lines([f"order: {groups}"])
