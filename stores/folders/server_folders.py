"""The folders that the service may read: local folders, and prefixes of buckets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from domain.errors import FolderNotAllowed, FolderNotFound, FoldersNotConfigured
from stores.folders.bucket_folder import BucketFolder
from stores.folders.folder_upload import FolderFile
from stores.folders.local_folder import LocalFolder

BUCKET_SCHEMES = ("s3://", "s3a://")


class ServerFolder(Protocol):
    """A folder whose files the service reads."""

    def exists(self) -> bool: ...
    def files(self) -> Sequence[FolderFile]: ...


def find_folder(folder: str, roots: Sequence[str]) -> ServerFolder:
    """Returns a folder that exists and lies below one of the roots.

    Raises FoldersNotConfigured without roots, FolderNotAllowed, FolderNotFound, and
    BlobStoreUnavailable for a bucket that does not respond. Blocks while the storage is slow.
    """
    if not roots:
        raise FoldersNotConfigured
    is_bucket = folder.startswith(BUCKET_SCHEMES)
    found = _bucket_folder(folder, roots) if is_bucket else _local_folder(folder, roots)
    if not found.exists():
        raise FolderNotFound
    return found


def _bucket_folder(folder: str, roots: Sequence[str]) -> ServerFolder:
    wanted = folder.rstrip("/")
    prefixes = [root.rstrip("/") for root in roots if root.startswith(BUCKET_SCHEMES)]
    is_below = any(f"{wanted}/".startswith(f"{prefix}/") for prefix in prefixes)
    if not is_below or not {".", "..", ""}.isdisjoint(wanted.split("/")[2:]):
        raise FolderNotAllowed
    return BucketFolder(wanted)


def _local_folder(folder: str, roots: Sequence[str]) -> ServerFolder:
    if not os.path.isabs(folder) or ".." in Path(folder).parts:
        raise FolderNotAllowed
    real = Path(os.path.realpath(folder))
    for root in (root for root in roots if not root.startswith(BUCKET_SCHEMES)):
        real_root = Path(os.path.realpath(root))
        if real.is_relative_to(real_root):
            return LocalFolder(real, real_root)
    raise FolderNotAllowed
