"""The PDF files of entries: by the paths in the export, or by file names beside the export."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from serve_app.zotero.entries import Entry

FILES = "files"  # the folder in which Zotero exports the files
_TITLE_CHARACTERS = 100  # of Zotero's default file names
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Found:
    """The PDFs of an entry that exist, and the paths of those that do not.

    `main` is the first PDF of the entry, None if it does not exist.
    """

    main: Path | None
    paths: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()


class Attachments:
    """Finds the PDFs of the entries of an export."""

    def __init__(self, export: Path) -> None:
        self.export = export

    def of(self, entry: Entry) -> Found:
        """Returns the files of the entry.

        Relative paths start at the folder of the export. The PDF of an entry without paths lies
        beside the export, in `files` or in the folder that is named like the export. It is named
        like the citation key or, by Zotero's default, "Author - Year - Title".
        """
        if not entry.files:
            found = self._named_like(entry)
            return Found(found, (found,) if found else ())
        files = {written: self._file(written) for written in entry.files}
        missing = tuple(written for written, path in files.items() if path is None)
        paths = tuple(dict.fromkeys(filter(None, files.values())))
        return Found(files[entry.files[0]], paths, missing)

    def _file(self, written: str) -> Path | None:
        """Returns the regular file at this path, which may have the separators of Windows."""
        candidates = (self.export.parent / path for path in (written, written.replace("\\", "/")))
        return next((path for path in candidates if os.path.isfile(path)), None)

    def _named_like(self, entry: Entry) -> Path | None:
        title = _plain((entry.title or "")[:_TITLE_CHARACTERS])
        by_title = self._by_end.get(f"{entry.year or ''} {title}".strip(), []) if title else []
        for found in (self._by_stem.get(entry.key, []), by_title):
            if len(found) == 1:  # otherwise it is unknown which file belongs to the entry
                return found[0]
        return None

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        return _grouped((path.stem, path) for path in self._beside)

    @cached_property
    def _by_end(self) -> dict[str, list[Path]]:
        """The files by each end of their names, such as "1843 notes on the engine"."""
        return _grouped((end, path) for path in self._beside for end in _ends(path.stem))

    @cached_property
    def _beside(self) -> list[Path]:
        folder = self.export.parent
        listed = [*folder.iterdir()]
        for inner in (folder / FILES, self.export.with_suffix("")):
            listed += inner.rglob("*")
        return sorted({path for path in listed if path.suffix.lower() == ".pdf"})


def _grouped(pairs: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    grouped = defaultdict[str, list[Path]](list)
    for name, path in pairs:
        grouped[name].append(path)
    return grouped


def _ends(stem: str) -> Iterator[str]:
    parts = stem.split(" - ")
    return (_plain(" ".join(parts[start:])) for start in range(len(parts)))


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))
