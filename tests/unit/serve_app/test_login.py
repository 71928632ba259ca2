"""`paperworks login`: the warning before a key leaves the machine without TLS."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from serve_app.cli.main import app
from serve_app.process.address import is_readable_on_the_way


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("http://papers.example", True),
        ("HTTP://192.0.2.1:8000/papers", True),
        ("http://[2001:db8::1]:8000", True),
        ("http://localhost.example", True),
        ("https://papers.example", False),
        ("http://127.0.0.1:8000", False),
        ("http://127.1.2.3", False),
        ("http://[::1]:8000", False),
        ("http://LOCALHOST:8000", False),
        ("papers.example", False),
        ("http://[", False),
    ],
)
def test_keys_are_readable_without_tls_beyond_this_machine(url: str, readable: bool) -> None:
    assert is_readable_on_the_way(url) is readable


@pytest.mark.parametrize(
    ("url", "warned"), [("http://papers.invalid", True), ("https://papers.invalid", False)]
)
def test_login_warns_before_it_sends_a_key_without_tls(url: str, warned: bool) -> None:
    result = CliRunner().invoke(app, ["login", url], input="pw_key\n")
    assert result.exit_code == 1 and "The key was not stored" in result.stderr
    assert ("without encryption" in result.stderr) is warned
