"""Keys, webhooks and new collections in Chromium: errors beside fields, secrets shown once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from serve_app.client import Client
from tests.end_to_end.tabs import strict_tab
from tests.service import RunningService
from tests.webhook_receiver import receiver

UPDATE_MS = 60_000  # an attempt on a busy machine, and the interval at which the page asks


@pytest.fixture
def page(browser: Browser, service: RunningService) -> Iterator[Page]:
    """A tab that fails the test for a console error and for a request to another host."""
    with strict_tab(browser, service.url) as tab:
        yield tab


def problem_of(tab: Page, field: str) -> str:
    """Returns the message beside the field, which has to describe the field to screen readers."""
    place = tab.locator(f"form[data-create] [data-field={field}] .problem")
    expect(place).to_be_visible()
    described = tab.locator(f"form[data-create] [name={field}]").first
    described_by = (described.get_attribute("aria-describedby") or "").split()
    assert place.get_attribute("id") in described_by
    expect(described).to_have_attribute("aria-invalid", "true")
    return place.text_content() or ""


def stored_by(tab: Page) -> str:
    """Returns everything that the page and its origin keep."""
    kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, location.href])"
    return tab.evaluate(kept) + tab.content()


def shown_secret(tab: Page) -> str:
    """Returns the secret of the panel, which has the focus."""
    expect(tab.locator("#secret-panel")).to_be_focused()
    expect(tab.locator("#secret-panel")).to_contain_text("cannot be shown again")
    return tab.locator("#secret").text_content() or ""


def test_key_is_created_copied_once_and_revoked_by_keyboard(page: Page, library: Client) -> None:
    name = f"<b>key</b> {uuid.uuid4().hex[:8]}"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/system/keys")
    page.get_by_text("New key", exact=True).click()
    page.get_by_label("Only these collections").fill("a b, physics")
    page.get_by_role("button", name="Create key").click()
    assert problem_of(page, "name") == "This field is required."
    assert "1 to 128 letters" in problem_of(page, "collections")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type(name)
    page.get_by_label("Only these collections").fill("physics")
    page.get_by_label("Days until it expires").fill("30")
    page.keyboard.press("Enter")
    token = shown_secret(page)
    assert re.fullmatch(r"pw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", token)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#notice")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == token
    page.get_by_role("button", name="Done, hide it").click()
    assert token not in stored_by(page)
    [key] = [one for one in library.keys().items if one.name == name]
    assert (key.scopes, key.collections) == (["search"], ["physics"]) and key.expires_at
    page.get_by_role("button", name=f"Revoke {name}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#keys")).to_be_focused()
    expect(page.get_by_role("button", name=f"Revoke {name}")).to_have_count(0)
    assert [one.action for one in library.audit().items if one.subject == key.key_id] == [
        "revoke_key",
        "create_key",
    ]


def test_secret_is_gone_after_going_back(page: Page, library: Client) -> None:
    page.goto("/system/keys")
    page.get_by_text("New key", exact=True).click()
    page.get_by_label("Name", exact=True).fill("going back")
    page.get_by_role("button", name="Create key").click()
    token = shown_secret(page)
    page.goto("/jobs")
    page.go_back()
    expect(page.get_by_role("heading", name="API keys", exact=True)).to_be_visible()
    assert token not in stored_by(page)
    library.revoke_key(token.split("_")[1])


def test_webhook_is_created_tested_redelivered_paused_and_deleted(
    page: Page, library: Client
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    with receiver() as server:
        server.statuses = [500] * 4
        page.goto("/system/webhooks")
        page.get_by_text("New webhook", exact=True).click()
        page.get_by_label("Address").fill("http://user:word@lab.example")
        page.get_by_role("button", name="Create webhook").click()
        assert "user name or a password" in problem_of(page, "url")
        page.get_by_label("Address").fill(server.url)
        page.get_by_label("was cancelled").uncheck()
        page.get_by_role("button", name="Create webhook").click()
        secret = shown_secret(page)
        page.get_by_role("link", name=server.url).click()
        assert secret not in stored_by(page)
        expect(page.locator("dl")).to_contain_text("completed, failed, partial")
        page.get_by_role("button", name="Send a test").click()
        state = page.locator("#webhook .list .badge")
        expect(state).to_have_text("abandoned", timeout=UPDATE_MS)
        expect(page.locator("td[data-label='Last answer']")).to_have_text("500")
        page.get_by_role("button", name="Redeliver").click()
        expect(state).to_have_text("delivered", timeout=UPDATE_MS)
        assert [one.verified(secret)["type"] for one in server.received] == ["ping"] * 5
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("dl .badge")).to_have_text("paused")
        expect(page.get_by_role("button", name="Send a test")).to_have_count(0)
        page.get_by_role("button", name="Resume").click()
        expect(page.locator("dl .badge")).to_have_text("active")
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", name="Webhooks", exact=True)).to_be_visible()
        assert server.url not in {one.url for one in library.webhooks().items}


def test_collection_is_created_by_keyboard_with_errors_beside_its_fields(
    page: Page, library: Client, collection: str
) -> None:
    page.goto("/")
    page.get_by_text("New collection", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).fill("two words")
    page.get_by_label("Most papers").fill("-1")
    page.keyboard.press("Enter")
    assert "1 to 128 letters" in problem_of(page, "name")
    assert "greater than or equal to 0" in problem_of(page, "max_papers")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Name", exact=True).fill(collection)
    page.get_by_label("Most papers").fill("7")
    page.get_by_label("Description").fill("of <b>leases</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=collection, exact=True)).to_be_visible()
    expect(page.get_by_text("of <b>leases</b>", exact=True)).to_be_visible()
    page.get_by_text("Collection settings").click()
    page.get_by_label("Most bytes").fill("-5")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-field=max_bytes] .problem")).to_contain_text("greater than")
    page.goto("/")
    page.get_by_text("New collection", exact=True).click()
    page.get_by_label("Name", exact=True).fill(collection)
    page.keyboard.press("Enter")
    assert "already" in problem_of(page, "name")
    [created] = [one for one in library.collections() if one.name == collection]
    assert (created.max_papers, created.max_bytes) == (7, None)
    library.delete_collection(collection)


def test_collection_is_renamed_in_its_settings(
    page: Page, library: Client, collection: str
) -> None:
    library.create_collection(collection)
    page.goto(f"/?collection={collection}")
    page.get_by_text("Collection settings").click()
    name, save = page.get_by_label("Name", exact=True), page.get_by_role("button", name="Save")
    for malformed in ("two words", ""):
        name.fill(malformed)
        save.click()
        expect(page.locator("[data-field=name] .problem")).to_contain_text("1 to 128 letters")
    name.fill(f"{collection}-new")
    save.click()
    expect(page.get_by_role("heading", name=f"{collection}-new", exact=True)).to_be_visible()
    page.goto(f"/?collection={collection}")
    expect(page.get_by_role("heading", name=f"{collection}-new", exact=True)).to_be_visible()
    library.delete_collection(f"{collection}-new")


@pytest.mark.parametrize("path", ["/system/keys", "/system/webhooks", "/"])
def test_number_fields_and_forms_fit_a_phone(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)
    page.locator("details:has([data-create]) > summary").click()
    page.locator("form[data-create] button:not([type])").click()
    expect(page.locator("form[data-create] .problem:visible").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
