"""The errors as a page: `python -m serve_app.api.error_table > docs/errors.md`."""

from __future__ import annotations

import sys

from domain.errors import PaperworksError
from serve_app.api.problems import status_of

HEAD = """# Errors

Made by `python -m serve_app.api.error_table`; a test compares it with the code.

Every error of the API is problem JSON (RFC 9457): `type`, `title`, `status`, `code`, `detail`,
`request_id`, and `retry_after_seconds` beside the header `Retry-After` where trying again helps. A
task that failed carries the same codes in `error: {code, category, message, retryable, page?}`.
Codes are stable; texts may get better.

| code | HTTP | category | tried again by itself | what happened, and what to do |
|---|---|---|---|---|
"""


def error_table() -> str:
    """The page docs/errors.md."""
    leaves = sorted({kind.code: kind for kind in _kinds(PaperworksError)}.items())
    return HEAD + "".join(f"{_row(kind)}\n" for _, kind in leaves)


def _kinds(kind: type[PaperworksError]) -> list[type[PaperworksError]]:
    below = [one for child in kind.__subclasses__() for one in _kinds(child)]
    return [*([] if kind is PaperworksError else [kind]), *below]


def _row(kind: type[PaperworksError]) -> str:
    again = "yes" if kind.retryable else "no"
    return f"| `{kind.code}` | {status_of(kind())} | {kind.category} | {again} | {kind()} |"


if __name__ == "__main__":
    sys.stdout.write(error_table())
