"""Errors can be pickled with all attributes and do not expose internal details."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import Failure, PaperworksError, failure_of


def family(parent: type[PaperworksError]) -> Iterator[type[PaperworksError]]:
    """Yields the class and all its subclasses."""
    yield parent
    for child in parent.__subclasses__():
        yield from family(child)


FAMILY = [kind for kind in family(PaperworksError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize(("message", "page"), [(None, None), ("It broke.", None), ("It broke.", 7)])
def test_errors_survive_pickling(message: str | None, page: int | None) -> None:
    for kind in FAMILY:
        error = kind(message, page)
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is kind
        assert (copy.message, copy.page) == (error.message, page)
        assert (copy.code, copy.category) == (kind.code, kind.category)
        assert copy.retryable == kind.retryable
        assert str(copy) == str(error) == error.message


def test_default_error_message_is_one_sentence_line() -> None:
    messages = [kind().message for kind in FAMILY]
    assert [one for one in messages if not one.endswith(".") or "\n" in one or "  " in one] == []


def test_error_codes_are_unique() -> None:
    codes = [kind.code for kind in FAMILY if kind is not errors.TruncatedPdf]
    assert len(codes) == len(set(codes))
    assert errors.TruncatedPdf.code == errors.DamagedPdf.code  # one code, a message that says more


def test_error_docstring_lists_every_class() -> None:
    tree = errors.__doc__ or ""
    assert [kind.__name__ for kind in FAMILY if kind.__name__ not in tree] == []


def test_only_transient_errors_are_retryable() -> None:
    for kind in [*family(errors.InvalidRequest), *family(errors.BadDocument), errors.LeaseLost]:
        assert not kind.retryable
    for kind in [*family(errors.Unavailable), errors.WorkerCrashed]:
        assert kind.retryable


def test_failure_of_project_error_copies_its_fields() -> None:
    for kind in FAMILY:
        expected = Failure(kind.code, kind.category, "It broke.", kind.retryable, 3)
        assert failure_of(kind("It broke.", 3)) == expected


def test_failure_of_unknown_error_shows_only_its_type() -> None:
    failure = failure_of(KeyError("/home/secret/password"))
    assert failure.code == "internal_error" and failure.retryable
    assert "KeyError" in failure.message and "secret" not in failure.message
