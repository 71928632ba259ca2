"""Webhooks: URLs and addresses that are refused, signatures, and the pauses between attempts."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from domain.errors import RefusedWebhookUrl
from domain.jobs import JobStatus
from domain.webhook_urls import check_url, is_public
from domain.webhooks import (
    Outcome,
    WebhookEvent,
    WebhookOptions,
    new_secret,
    retry_after,
    retry_delay,
    signature,
)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://lab.example/papers?token=a#b", "https://lab.example/papers?token=a#b"),
        ("HTTPS://Lab.Example:443", "https://lab.example/"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("https://8.8.8.8:8443/x", "https://8.8.8.8:8443/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
    ],
)
def test_public_https_url_is_normalized(url: str, normal: str) -> None:
    assert check_url(url, allow_private=False) == normal


@pytest.mark.parametrize(
    "url",
    [
        *("http://lab.example/", "ftp://lab.example/", "file:///etc/passwd", "lab.example", ""),
        *("https://", "https://user:password@lab.example/", "https://user@lab.example/"),
        *("https://localhost/", "https://LOCALHOST./", "https://a.localhost/"),
        *("https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/"),
        *("https://127.0.0.1./", "https://0.0.0.0/", "https://10.0.0.1/", "https://172.16.0.1/"),
        *("https://192.168.0.1/", "https://169.254.169.254/latest", "https://100.64.0.1/"),
        *("https://224.0.0.1/", "https://255.255.255.255/", "https://[::1]/", "https://[::]/"),
        *("https://[fe80::1]/", "https://[fd00::1]/", "https://[ff02::1]/", "https://[fec0::1]/"),
        *("https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:a00:1::]/"),
        "https://[2002:808:808::1]/",
        *("https://[::127.0.0.1]/", "https://a b/", "https://lab.example:99999/", "https://\0/"),
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(RefusedWebhookUrl) as refused:
        check_url(url, allow_private=False)
    assert "Nothing was sent." in str(refused.value)


def test_private_urls_are_accepted_if_allowed_but_no_credentials() -> None:
    assert check_url("http://localhost:8000", allow_private=True) == "http://localhost:8000/"
    assert check_url("http://[::1]/x", allow_private=True) == "http://[::1]/x"
    for url in ("http://user:password@localhost/", "ftp://localhost/"):
        with pytest.raises(RefusedWebhookUrl):
            check_url(url, allow_private=True)


@given(st.text(max_size=60) | st.text(max_size=40).map("https://{}".format))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        url = check_url(text, allow_private=False)
    except RefusedWebhookUrl:
        return
    assert url.isascii() and check_url(url, allow_private=False) == url


@given(st.ip_addresses())
def test_public_addresses_are_global_unicast(address) -> None:
    if is_public(address):
        inner = getattr(address, "ipv4_mapped", None) or address
        assert inner.is_global and not inner.is_multicast
        assert not (inner.is_loopback or inner.is_link_local or inner.is_private)


def test_embedded_public_ipv4_address_is_public() -> None:
    for text in ("::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::1"):
        assert is_public(ip_address(text)), text


def test_signature_equals_that_of_the_reference_library() -> None:
    secret, body = new_secret(), '{"type":"ping","name":"Müller"}'
    at = datetime(2026, 11, 28, 12, tzinfo=UTC)
    expected = Webhook(secret).sign("whd_1", at, body)
    assert signature(secret, "whd_1", int(at.timestamp()), body.encode()) == expected
    other = signature(new_secret(), "whd_1", int(at.timestamp()), body.encode())
    assert other != expected


def test_events_are_the_final_states_of_a_job() -> None:
    assert {f"job_{status}" for status in JobStatus if status.is_final} == set(WebhookEvent)


def test_pauses_follow_the_settings_with_jitter() -> None:
    delays = WebhookOptions().retry_seconds
    assert list(delays) == sorted(delays)
    for attempt, wanted in enumerate(delays, 1):
        found = {retry_delay(attempt, delays) for _ in range(20)}
        assert all(delay and 0.9 * wanted <= delay <= 1.1 * wanted for delay in found)
        assert len(found) > 1
    assert retry_delay(len(delays) + 1, delays) is None
    assert retry_delay(1, ()) is None


def test_endpoint_can_lengthen_a_delay_but_not_shorten_it() -> None:
    assert retry_delay(1, (5, 30), at_least=60) == 60
    assert (retry_delay(2, (5, 30), at_least=1) or 0) > 20
    assert retry_delay(3, (5, 30), at_least=60) is None


NOW = 1_795_867_200.0  # 2026-11-28 12:00:00 UTC


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("000000000000120", 120),
        ("86401", 86400),
        ("9" * 5000, 86400),
        ("Sat, 28 Nov 2026 12:10:00 GMT", 600),
        ("Saturday, 28-Nov-26 12:10:00 GMT", 600),
        ("Sat Nov 28 12:10:00 2026", 600),
        ("Sat, 28 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 01 Dec 2099 00:00:00 GMT", 86400),
        ("", 0),
        ("-5", 0),
        ("1.5", 0),
        ("nan", 0),
        ("inf", 0),
        ("１２", 0),
        ("soon", 0),
        ("Sat, 99 Nov 2026 12:10:00 GMT", 0),
        ("Sat, 28 Nov 99999999999 12:10:00 GMT", 0),
        ("Sat, 28 Nov 2026 12:10:00 +99999999", 0),
        (", " * 50_000, 0),
    ],
)
def test_retry_after_is_read_and_limited_to_a_day(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "delivered"), [(200, True), (204, True), (299, True), (302, False), (500, False)]
)
def test_outcome_is_delivered_for_2xx_only(status: int, delivered: bool) -> None:
    assert Outcome(status).is_delivered is delivered
    assert not Outcome(error="no response").is_delivered
