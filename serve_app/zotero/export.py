"""Reads an export of Zotero: CSL JSON, Better BibTeX JSON, BibTeX or BibLaTeX."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from serve_app.zotero.better_bibtex import memberships, zotero_entry
from serve_app.zotero.bibtex import read_bibtex
from serve_app.zotero.csl_json import csl_entry
from serve_app.zotero.entries import Entry, InvalidExport, Parsed

FORMATS = "Export as CSL JSON, Better BibTeX JSON, Better BibTeX or Better BibLaTeX."


def read_export(path: Path) -> Parsed:
    """Returns the entries of the export. Raises InvalidExport."""
    readers = {".bib": read_bibtex, ".json": _read_json}
    if (reader := readers.get(path.suffix.lower())) is None:
        raise InvalidExport(f"{path} ends neither in .json nor in .bib. {FORMATS}")
    try:
        parsed = reader(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InvalidExport(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidExport(f"{path} is not UTF-8. Export it with this encoding.") from error
    except (ValueError, RecursionError) as error:  # also JSONDecodeError, ValidationError
        raise InvalidExport(
            f"{path} is no export of Zotero: {_reason(error)}. {FORMATS}"
        ) from error
    if not parsed.entries:
        raise InvalidExport(" ".join([f"{path} contains no entry.", *parsed.problems[:1]]))
    return parsed


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return first_problem(error)
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def first_problem(error: ValidationError) -> str:
    """Returns the first problem with its place, such as "author.0: Input should be an object"."""
    problem = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else problem["msg"]


def _read_json(text: str) -> Parsed:
    given: Any = json.loads(text)
    if isinstance(given, list):
        return _parsed(given, csl_entry)
    if isinstance(given, dict) and isinstance(given.get("items"), list):
        collections = memberships(given.get("collections"))
        return _parsed(given["items"], partial(zotero_entry, collections=collections))
    raise ValueError("it is neither a list of items nor an object with `items`")


def _parsed(items: Sequence[Any], read: Callable[[Any], Entry | None]) -> Parsed:
    entries, problems = list[Entry](), list[str]()
    for number, item in enumerate(items, 1):
        try:
            if entry := read(item):
                entries.append(entry)
        except ValidationError as error:
            problems.append(f"Item {number} was left out: {first_problem(error)}.")
    return Parsed(tuple(entries), tuple(problems))
