"""A prefix of a bucket whose objects are read through fsspec."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import fsspec

from domain.errors import BlobStoreUnavailable, FolderNotFound, FolderUnreadable
from domain.labels import path_label
from runtime.pdf_files import is_pdf
from stores.blobs.fsspec_backend import file_system_options


@dataclass(frozen=True, slots=True, eq=False)
class BucketFile:
    """An object below a prefix; `name` is its key there."""

    name: str
    key: str
    files: Any

    def __str__(self) -> str:
        return path_label(self.name)

    def open(self, _mode: str, /) -> IO[bytes]:
        """Opens the object for reading. Raises OSError, BlobStoreUnavailable."""
        with _storage_errors():
            return self.files.open(self.key, "rb")


class BucketFolder:
    """The objects whose keys begin with a prefix, such as `s3://bucket/papers`."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @cached_property
    def _place(self) -> tuple[Any, str]:
        scheme = self.uri.partition("://")[0]
        return fsspec.core.url_to_fs(self.uri, **file_system_options(scheme))

    def exists(self) -> bool:
        """True if there is an object below the prefix. Raises BlobStoreUnavailable."""
        files, prefix = self._place
        try:
            with _storage_errors():
                return bool(files.isdir(prefix))
        except OSError:
            return False

    def files(self) -> list[BucketFile]:
        """Returns all *.pdf below the prefix (any letter case), by key.

        Raises FolderNotFound, FolderUnreadable, BlobStoreUnavailable.
        """
        files, prefix = self._place
        try:
            with _storage_errors():
                keys = sorted(files.find(prefix))
        except FileNotFoundError as error:
            raise FolderNotFound from error
        except OSError as error:
            raise FolderUnreadable from error
        names = [(key.removeprefix(f"{prefix}/"), key) for key in keys]
        return [BucketFile(*one, files) for one in names if is_pdf(one[0])]


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Maps the errors of a storage that does not respond to BlobStoreUnavailable."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # each fsspec file system has its own error classes
        raise BlobStoreUnavailable("The storage of the folder does not respond.") from error
