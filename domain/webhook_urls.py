"""Which URLs a webhook may have: public addresses over HTTPS, unless the settings allow others.

The checks prevent server-side request forgery: a webhook must not send requests to services that
only the network of this service can reach. The address of a host name is checked by
`runtime/guarded_network.py` at each connection.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from pydantic import HttpUrl, TypeAdapter, ValidationError

from domain.errors import RefusedWebhookUrl

_HTTP_URL = TypeAdapter(HttpUrl)
GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, 2.4
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1
SIX_TO_FOUR = IPv6Network("2002::/16")  # deprecated by RFC 7526; global in some Python versions
ADVICE = (
    "Nothing was sent. Use an https:// URL of a public address, or set "
    "webhooks.allow_private_addresses."
)


def check_url(url: str, *, allow_private: bool) -> str:
    """Returns the URL in its normal form (ASCII host, addresses in decimal notation).

    Raises RefusedWebhookUrl for a URL with a user name, and unless `allow_private`, for one without
    TLS and for a literal address that is not public.
    """
    try:
        parsed = _HTTP_URL.validate_python(url)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise RefusedWebhookUrl(f"The URL is invalid: {reason}. {ADVICE}") from error
    if parsed.username is not None or parsed.password is not None:
        raise RefusedWebhookUrl(f"The URL contains a user name or a password. {ADVICE}")
    if not allow_private:
        if parsed.scheme != "https":
            raise RefusedWebhookUrl(f"The URL does not use TLS. {ADVICE}")
        _check_host(parsed.host or "")
    return str(parsed)


def _check_host(host: str) -> None:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        raise not_public(host)
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:  # a name: its addresses are checked at each connection
        return
    if not is_public(address):
        raise not_public(host)


def not_public(host: str) -> RefusedWebhookUrl:
    """Returns the error for a host whose address is not public."""
    return RefusedWebhookUrl(f"The host {host} has an address that is not public. {ADVICE}")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """True for a unicast address of the internet.

    An IPv6 address that contains an IPv4 address (mapped, NAT64) is as public as that one. 6to4
    addresses are not.
    """
    if isinstance(address, IPv6Address):
        if (inner := _embedded(address)) is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST or address in SIX_TO_FOUR:
            return False
    return address.is_global and not address.is_multicast


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
