"""A service that requires keys, used by HTTP, by the command line, by a client and by a browser."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from serve_app.client import Client, PaperworksProblem
from tests.end_to_end.accessibility import violations_of
from tests.end_to_end.conftest import REQUESTS_PER_MINUTE
from tests.end_to_end.tabs import foreign_addresses
from tests.paths import BIN
from tests.service import RunningService, clean_environment

pytestmark = pytest.mark.timeout(600)
CLIENTS = 50


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config folder of the user of the command line."""
    return tmp_path_factory.mktemp("config")


def run(
    *arguments: object, config: Path, home: Path | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs `paperworks`; its key comes from `home` or from `paperworks login`."""
    folder = {"PAPERWORKS_HOME": str(home)} if home else {}
    return subprocess.run(
        [BIN / "paperworks", *map(str, arguments)],
        env=clean_environment(XDG_CONFIG_HOME=str(config), **folder),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def new_key(closed: RunningService, config: Path, *options: str) -> dict[str, str]:
    created = run("keys", "create", "test", *options, "--json", config=config, home=closed.home)
    assert created.returncode == 0, created.stderr
    return json.loads(created.stdout)


@pytest.fixture
def papers(closed: RunningService, samples: dict[str, Path]) -> None:
    """A paper in the collection `physics` and one in `other`."""
    with Client(closed.url, (closed.home / "api_key").read_text()) as client:
        for name, collection in (("durable-leases", "physics"), ("reading-order", "other")):
            accepted = client.upload(samples[name], collection)
            assert client.wait(accepted.job_id, 120).status == "completed"


@pytest.mark.usefixtures("papers")
def test_commands_on_the_same_machine_use_the_local_key(
    closed: RunningService, config: Path, small_papers: list[Path]
) -> None:
    paper = small_papers[0]
    uploaded = run("upload", paper, "-c", "commands", config=config, home=closed.home)
    assert uploaded.returncode == 0, uploaded.stderr
    assert (closed.home / "api_key").stat().st_mode & 0o777 == 0o600
    found = run("search", "fencing token of a lease", config=config, home=closed.home)
    assert "lease" in found.stdout.lower()
    doctor = run("doctor", config=config, home=closed.home)
    assert "ok    Stores" in doctor.stdout, doctor.stdout + doctor.stderr
    audit = run("audit", config=config, home=closed.home)
    assert re.search(r"key \w+  upload  job_\w+  in commands  kind=upload files=1", audit.stdout)
    strange = run("search", "lease", "--url", closed.url, config=config)
    assert strange.returncode == 1 and "needs a valid API key" in strange.stderr


@pytest.mark.usefixtures("papers")
def test_login_stores_key_for_one_service(closed: RunningService, config: Path) -> None:
    key = new_key(closed, config, "--scope", "search", "--collection", "physics")
    wrong = run("login", closed.url, config=config, given="pw_wrong\n")
    assert wrong.returncode == 1 and "was not stored" in wrong.stderr
    stored = run("login", closed.url, config=config, given=f"{key['token']}\n")
    assert stored.returncode == 0 and key["token"] not in stored.stdout
    [path] = config.rglob("keys.json")
    assert path.stat().st_mode & 0o777 == 0o600
    listed = run("collections", "--url", closed.url, config=config)
    assert "physics" in listed.stdout and "other" not in listed.stdout
    refused = run("upload", path, "--url", closed.url, config=config)
    assert refused.returncode != 0
    assert run("logout", closed.url, config=config).returncode == 0
    gone = run("collections", "--url", closed.url, config=config)
    assert gone.returncode == 1 and "needs a valid API key" in gone.stderr


@pytest.mark.usefixtures("papers")
def test_client_with_key_sees_only_its_collection(closed: RunningService, config: Path) -> None:
    key = new_key(closed, config, "--scope", "search", "--collection", "physics")
    with Client(closed.url, key["token"], retries=0) as client:
        assert client.access().collections == ["physics"]
        [document] = client.documents().items
        assert document.collection == "physics"
        hits = client.search("reading order of columns", limit=20).hits
        assert {hit.collection for hit in hits} <= {"physics"}
        with pytest.raises(PaperworksProblem) as refused:
            client.delete(document.document_id)
        assert (refused.value.status, refused.value.code) == (403, "forbidden")
    with Client(closed.url, retries=0) as client, pytest.raises(PaperworksProblem) as unknown:
        client.documents()
    assert unknown.value.code == "unauthenticated"


def test_revoked_key_is_refused_by_both_processes(closed: RunningService, config: Path) -> None:
    key = new_key(closed, config, "--scope", "search")
    headers = {"Authorization": f"Bearer {key['token']}"}
    assert httpx.get(f"{closed.url}/api/v1/access", headers=headers).status_code == 200
    revoked = run("keys", "revoke", key["key_id"], config=config, home=closed.home)
    assert revoked.returncode == 0
    for _ in range(20):  # each opens a connection, to either process
        assert httpx.get(f"{closed.url}/api/v1/access", headers=headers).status_code == 401
    listed = run("keys", "list", config=config, home=closed.home).stdout
    assert any(key["key_id"] in line and "revoked" in line for line in listed.splitlines())


def test_rate_limit_is_exact_for_parallel_clients_of_two_processes(
    closed: RunningService, config: Path
) -> None:
    answers, left = list[httpx.Response](), list[int]()
    for _ in range(4):  # until a burst lies within one minute of the clock
        answers = burst(closed, config, REQUESTS_PER_MINUTE + 100)
        left = [int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]) for answer in answers]
        if left.count(REQUESTS_PER_MINUTE - 1) == 1:
            break
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 100
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["ratelimit"].startswith('"requests";r=0;t=')
    assert sorted(left) == [0] * 100 + list(range(REQUESTS_PER_MINUTE))


def burst(closed: RunningService, config: Path, requests: int) -> list[httpx.Response]:
    """Returns the responses to so many requests of 50 parallel clients with one new key."""
    key = new_key(closed, config, "--scope", "search")
    headers = {"Authorization": f"Bearer {key['token']}"}

    def ask(client: httpx.Client) -> list[httpx.Response]:
        with client:
            return [client.get("/api/v1/access") for _ in range(requests // CLIENTS)]

    clients = [
        httpx.Client(base_url=closed.url, headers=headers, timeout=60) for _ in range(CLIENTS)
    ]
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [answer for answers in pool.map(ask, clients) for answer in answers]


@pytest.mark.usefixtures("papers")
def test_browser_signs_in_searches_and_signs_out(
    closed: RunningService, config: Path, browser: Browser
) -> None:
    key = new_key(closed, config, "--scope", "search", "--scope", "ingest")
    complaints = list[str]()
    with browser.new_context(base_url=closed.url) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda one: complaints.extend(foreign_addresses(one.url, closed.url)))
        page.goto("/search?q=lease")
        expect(page).to_have_url(f"{closed.url}/sign-in?next=/search%3Fq%3Dlease")
        assert violations_of(page) == []
        page.get_by_label("API key").fill("pw_wrong")
        page.get_by_label("API key").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not valid")
        page.get_by_label("API key").fill(key["token"])
        page.get_by_label("API key").press("Enter")
        expect(page.locator(".hits mark").first).to_be_visible()
        expect(page).to_have_url(f"{closed.url}/search?q=lease")
        expect(page.get_by_role("link", name="System")).to_have_count(0)
        page.goto("/?collection=other")
        page.get_by_label("Select all papers").check()
        page.get_by_role("button", name="Read again").click()
        expect(page.locator("#notice")).to_contain_text("1 of 1 papers queued")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{closed.url}/sign-in")
        page.goto("/jobs")
        expect(page).to_have_url(f"{closed.url}/sign-in?next=/jobs")
    assert complaints == []
