"""`--json`: one JSON document on stdout and nothing else there, and the exit codes of commands."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from serve_app.client import Client
from tests.unit.serve_app.commands import Run, commands, run
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import add_paper

UNKNOWN = f"doc_{0:024}"
WITHOUT_JSON = {
    "paperworks mcp": "stdout belongs to the Model Context Protocol, or holds one address",
}


def test_every_command_has_json() -> None:
    lacking = {name for name, command in commands() if not (has_json(command) or is_menu(command))}
    assert lacking == WITHOUT_JSON.keys()


def has_json(command: Any) -> bool:
    return any("--json" in parameter.opts for parameter in command.params)


def is_menu(command: Any) -> bool:
    """True for a group that by itself only prints its help."""
    return bool(getattr(command, "commands", None)) and command.no_args_is_help


def printed(result: Result, exit_code: int = 0) -> Any:
    """Returns the document on stdout."""
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def document_id(library: Library) -> str:
    """A paper of the collection `default`."""
    return asyncio.run(add_paper(library))


def test_deleted_and_refused_papers_are_one_document(paperworks: Run, document_id: str) -> None:
    result = paperworks("documents", "delete", UNKNOWN, document_id, "--json")
    found = printed(result, 1)
    assert found["done"] == [{"document_id": document_id}]
    [refused] = found["refused"]
    assert (refused["document_id"], refused["code"]) == (UNKNOWN, "not_found")
    assert refused["detail"] in result.stderr


def test_moved_papers_have_their_new_ids(paperworks: Run, url: str, document_id: str) -> None:
    found = printed(paperworks("documents", "move", document_id, "--to", "physics", "--json"))
    [moved] = found["done"]
    assert (moved["document_id"], moved["collection"]) == (document_id, "physics")
    with Client(url) as client:
        assert client.document(moved["moved_to"]).collection == "physics"
    assert found["refused"] == []


def test_papers_deleted_before_the_service_ended_are_printed(
    paperworks: Run, url: str, document_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(client: Client, name: str, real: Any = Client.delete.request) -> None:
        if name == UNKNOWN:
            client._http.base_url = "http://127.0.0.1:9"
        client.send(real(client, name))

    monkeypatch.setattr(Client, "delete", delete)
    result = paperworks("documents", "delete", document_id, UNKNOWN, UNKNOWN, "--json")
    assert printed(result, 1) == {"done": [{"document_id": document_id}], "refused": []}
    assert "No service answers" in result.stderr


def test_download_names_its_file(paperworks: Run, url: str, tmp_path: Path) -> None:
    with Client(url) as client:
        name = client.upload(pdf("a"), filename="a.pdf").document_id
    target = tmp_path / "copy.pdf"
    found = printed(paperworks("documents", "download", name, "-o", target, "--json"))
    assert found == {"path": str(target), "document_id": name, "bytes": len(pdf("a"))}


@pytest.mark.parametrize("command", [("documents", "export"), ("collections", "export"), "export"])
def test_exports_are_json_or_name_their_file(
    paperworks: Run, document_id: str, tmp_path: Path, command: tuple[str, str] | str
) -> None:
    words = (command,) if isinstance(command, str) else command
    export = (*words, "default" if words[0] == "collections" else document_id, "--json")
    csl = printed(paperworks(*export, "--format", "csl"))
    assert csl[0]["DOI"] == "10.1000/notes"
    if words[0] == "documents":
        assert printed(paperworks(*export))["document"]["document_id"] == document_id
    else:
        assert printed(paperworks(*export)) == csl
    target = tmp_path / "engine.ris"
    found = printed(paperworks(*export, "--format", "ris", "--output", target))
    size = target.stat().st_size
    assert found == {"path": str(target), "format": "ris", "bytes": size}
    assert target.read_text().startswith("TY  - ")
    wrong = paperworks(*export, "--format", "ris")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "--output" in wrong.stderr


@pytest.mark.parametrize("command", ["export", "download"])
def test_file_that_cannot_be_written_is_one_line(
    paperworks: Run, url: str, tmp_path: Path, command: str
) -> None:
    with Client(url) as client:
        accepted = client.upload(pdf("a"), filename="a.pdf")
        client.wait(accepted.job_id, 20)
    target = tmp_path / "missing" / "a.out"
    result = paperworks("documents", command, accepted.document_id, "--output", target, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{target} was not written: No such file or directory." in result.stderr
    assert result.stderr.count("\n") == 1


def test_collection_is_deleted_without_a_question_on_stdout(
    paperworks: Run, document_id: str
) -> None:
    kept = paperworks("collections", "delete", "default", "--json", given="n\n")
    assert (kept.exit_code, kept.stdout) == (1, "") and "every paper in it?" in kept.stderr
    gone = paperworks("collections", "delete", "default", "--json", given="y\n")
    assert printed(gone) == {"collection": "default", "deleted": True}
    again = paperworks("collections", "delete", "default", "--yes", "--json")
    assert (again.exit_code, again.stdout) == (1, "")


def test_revoked_key_and_removed_webhook_are_named(paperworks: Run) -> None:
    key_id = printed(paperworks("keys", "create", "ada", "--json"))["key_id"]
    revoked = printed(paperworks("keys", "revoke", key_id, "--json"))
    assert revoked == {"key_id": key_id, "revoked": True}
    added = paperworks("webhooks", "add", "https://lab.example/papers", "--json")
    webhook_id = printed(added)["webhook_id"]
    removed = printed(paperworks("webhooks", "remove", webhook_id, "--json"))
    assert removed == {"webhook_id": webhook_id, "removed": True}
    for command in (("keys", "revoke", key_id + "0"), ("webhooks", "remove", webhook_id)):
        again = paperworks(*command, "--json")
        assert (again.exit_code, again.stdout) == (1, ""), command


def test_login_and_logout_name_the_service(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    stored = printed(run("login", url, "--json", given="pw_key\n"))
    assert (stored["url"], stored["scopes"]) == (url, ["admin", "ingest", "search"])
    assert Path(stored["path"]).is_relative_to(tmp_path)
    assert printed(run("logout", url, "--json")) == {"url": url, "was_stored": True}
    assert printed(run("logout", url, "--json")) == {"url": url, "was_stored": False}


def test_followed_jobs_are_one_document(paperworks: Run, url: str, library: Library) -> None:
    with Client(url) as client:
        bad = client.upload(pdf("bad"), filename="bad.pdf").job_id
        watched = paperworks("jobs", bad, "--watch", "--json")
        assert printed(watched, 1)["status"] == "failed"
        assert "bad.pdf: failed" in watched.stderr
        assert printed(paperworks("jobs", "--watch", "--json"))["items"] == []
        again = paperworks("retry", bad, "--json")
        assert printed(again, 1)["retried"] == 1
        assert client.job(bad).status == "failed"
        library.pause_worker()
        assert printed(paperworks("retry", bad, "--json", "--no-wait"))["retried"] == 1
        assert client.job(bad).status == "queued"


def test_json_before_a_subcommand_applies_to_it(paperworks) -> None:
    created = paperworks("collections", "--json", "create", "ions")
    assert json.loads(created.stdout)["name"] == "ions"
    deleted = paperworks("collections", "--json", "delete", "ions", "--yes")
    assert json.loads(deleted.stdout) == {"collection": "ions", "deleted": True}
    assert "No collections" in paperworks("collections").stdout
