"""Folders that the service may read: roots, links that leave them, and what a folder contains."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import (
    FolderNotAllowed,
    FolderNotFound,
    FoldersNotConfigured,
    RefusedUpload,
)
from stores.folders.folder_upload import FolderFile
from stores.folders.server_folders import find_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "root-of-another"  # its name begins with that of the root
    folder.mkdir()
    return folder


def files_of(folder: Path, root: Path) -> dict[str, FolderFile]:
    return {file.name: file for file in find_folder(str(folder), [str(root)]).files()}


def test_without_roots_no_folder_is_read(root: Path) -> None:
    with pytest.raises(FoldersNotConfigured):
        find_folder(str(root), [])


def test_root_itself_and_folders_below_are_allowed(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "one.pdf").touch()
    for folder in (root, root / "a", f"{root}/a/"):
        assert len(find_folder(str(folder), ["/elsewhere", str(root)]).files()) == 1


@pytest.mark.parametrize(
    "name",
    ["", ".", "papers", "../root", "~", "/", "/etc", "/proc/self/root", "/dev/fd", "file:///etc"],
)
def test_folder_outside_of_the_roots_is_refused(root: Path, name: str) -> None:
    with pytest.raises(FolderNotAllowed):
        find_folder(name, [str(root), "s3://bucket/papers"])


def test_parent_folders_and_neighbours_are_refused(root: Path, outside: Path) -> None:
    for name in (f"{root}/..", f"{root}/../{outside.name}", str(outside), str(root.parent)):
        with pytest.raises(FolderNotAllowed):
            find_folder(name, [str(root)])


def test_link_that_leaves_the_root_is_refused(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    (outside / "below").mkdir()
    for name in ("link", "link/below"):
        with pytest.raises(FolderNotAllowed):
            find_folder(str(root / name), [str(root)])


def test_link_inside_the_root_and_a_root_that_is_a_link_are_allowed(root: Path) -> None:
    (root / "real").mkdir()
    (root / "link").symlink_to(root / "real")
    (root / "real" / "a.pdf").write_bytes(b"a")
    alias = root.parent / "alias"
    alias.symlink_to(root)
    for folder, allowed in ((root / "link", root), (alias / "real", alias), (root, alias)):
        (file,) = files_of(folder, allowed).values()
        assert file.open("rb").read() == b"a"


@pytest.mark.parametrize("name", ["missing", "a.pdf", "x" * 3000, "a.pdf/b"])
def test_missing_folder_is_not_found(root: Path, name: str) -> None:
    (root / "a.pdf").touch()
    with pytest.raises(FolderNotFound):
        find_folder(str(root / name), [str(root)])


def test_folder_that_is_removed_later_is_not_found(root: Path) -> None:
    (root / "a").mkdir()
    found = find_folder(str(root / "a"), [str(root)])
    (root / "a").rmdir()
    with pytest.raises(FolderNotFound):
        found.files()


def test_files_are_all_pdfs_by_path_in_any_letter_case(root: Path) -> None:
    for name in ("b/main.pdf", "a/main.pdf", "UPPER.PDF", "bundle.pdf/inner.pdf", "._x.pdf"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    for name in (".DS_Store", "notes.txt", "pdf"):
        (root / name).touch()
    expected = ["._x.pdf", "UPPER.PDF", "a/main.pdf", "b/main.pdf", "bundle.pdf/inner.pdf"]
    assert list(files_of(root, root)) == expected


def test_links_to_folders_are_not_followed(root: Path, outside: Path) -> None:
    (outside / "secret.pdf").touch()
    (root / "loop").symlink_to(root)
    (root / "link").symlink_to(outside)
    (root / "link.pdf").symlink_to(outside)
    assert files_of(root, root) == {}


def test_file_link_that_leaves_the_root_is_refused(root: Path, outside: Path) -> None:
    (outside / "secret.pdf").write_bytes(b"secret")
    (root / "a.pdf").symlink_to(outside / "secret.pdf")
    (root / "b.pdf").symlink_to(root / "a.pdf")
    for file in files_of(root, root).values():
        with pytest.raises(RefusedUpload, match="outside"):
            file.open("rb")


def test_folder_that_becomes_a_link_before_the_file_is_opened_is_refused(
    root: Path, outside: Path
) -> None:
    (root / "a").mkdir()
    (root / "a" / "b.pdf").touch()
    (outside / "b.pdf").write_bytes(b"secret")
    (file,) = files_of(root, root).values()
    (root / "a" / "b.pdf").unlink()
    (root / "a").rmdir()
    (root / "a").symlink_to(outside)
    with pytest.raises(RefusedUpload, match="outside"):
        file.open("rb")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("make", "error"), [(_fifo, RefusedUpload), (_dangling, OSError)])
def test_special_file_is_refused_at_once(
    root: Path, make: Callable[[Path], None], error: type[Exception]
) -> None:
    make(root / "a.pdf")
    (file,) = files_of(root, root).values()
    with pytest.raises(error):
        file.open("rb")


def test_name_in_the_log_has_no_control_characters(root: Path) -> None:
    (root / 'a "quoted"\nname.pdf').touch()
    (root / os.fsdecode(b"caf\xe9.pdf")).touch()
    assert sorted(map(str, files_of(root, root).values())) == [
        'a "quoted" name.pdf',
        "caf .pdf",
    ]


@pytest.mark.parametrize(
    "folder",
    ["s3://bucket", "s3://bucket/papers2", "s3://bucket/papers/../x", "s3://other/papers", "s3://"],
)
def test_prefix_outside_of_the_roots_is_refused(folder: str) -> None:
    with pytest.raises(FolderNotAllowed):
        find_folder(folder, ["s3://bucket/papers/", "/data"])
