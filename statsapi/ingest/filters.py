"""The inbound filters of a project, as pure functions of a few attributes of an event.

The name of a filter is the reason of the outcome `filtered`. A filter does not match an attribute that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.browser_noise import is_csp_noise, is_of_an_extension
from statsapi.ingest.globs import any_matches
from statsapi.ingest.user_agents import is_crawler, is_legacy_browser

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_ADDRESS = 100  # an IPv6 address has 45 characters at most, and the name of a zone may follow

_LOCAL_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """Which filters of a project are on, and their lists. globs.py describes the globs."""

    localhost: bool = False
    ip_addresses: tuple[str, ...] = ()  # addresses and networks (CIDR) of clients
    release_versions: tuple[str, ...] = ()  # globs without alternatives
    error_messages: tuple[str, ...] = ()  # globs without alternatives; the message and "type: value" are compared
    browser_extensions: bool = False
    legacy_browsers: tuple[str, ...] = ()  # names of subfilters, of LEGACY_BROWSERS
    web_crawlers: bool = False
    invalid_csp: bool = False

    @property
    def needs_payload(self) -> bool:
        """Whether a filter that is on looks into payloads. Security reports are read in any case."""
        return bool(
            self.localhost
            or self.release_versions
            or self.error_messages
            or self.browser_extensions
            or self.legacy_browsers
            or self.web_crawlers
        )


def first_match(config: FilterConfig, attributes: EventAttributes) -> str | None:
    """Return the name of the first filter that matches, or None. Cheap filters come first."""
    for name, matches in _FILTERS:
        if matches(config, attributes):
            return name
    return None


def matches_release(config: FilterConfig, release: str) -> bool:
    """Return whether the release-version filter matches. It is the only filter that transactions have."""
    return bool(config.release_versions and release) and any_matches(config.release_versions, [release.strip()])


def _ip_address(config: FilterConfig, attributes: EventAttributes) -> bool:
    if not config.ip_addresses:
        return False
    address = _address(attributes.client_ip)
    return address is not None and any(address in network for network in _networks(config.ip_addresses))


def _localhost(config: FilterConfig, attributes: EventAttributes) -> bool:
    if not config.localhost:
        return False
    return (
        any(map(_is_loopback, (attributes.client_ip, attributes.user_ip)))
        or _is_local_page(attributes.page_url)
        or any(host.partition(":")[0].lower() in _LOCAL_HOSTS for host in attributes.hosts)
    )


def _release_version(config: FilterConfig, attributes: EventAttributes) -> bool:
    return matches_release(config, attributes.release)


def _error_message(config: FilterConfig, attributes: EventAttributes) -> bool:
    return bool(config.error_messages) and any_matches(config.error_messages, attributes.messages)


def _browser_extensions(config: FilterConfig, attributes: EventAttributes) -> bool:
    return config.browser_extensions and is_of_an_extension(attributes.exception_value, attributes.source)


def _legacy_browsers(config: FilterConfig, attributes: EventAttributes) -> bool:
    return bool(config.legacy_browsers) and is_legacy_browser(attributes.user_agent, config.legacy_browsers)


def _web_crawlers(config: FilterConfig, attributes: EventAttributes) -> bool:
    return config.web_crawlers and is_crawler(attributes.user_agent)


def _invalid_csp(config: FilterConfig, attributes: EventAttributes) -> bool:
    if not config.invalid_csp:
        return False
    return any(is_csp_noise(source) or _is_local_page(source) for source in attributes.csp_sources)


_FILTERS: tuple[tuple[str, Callable[[FilterConfig, EventAttributes], bool]], ...] = (
    ("ip-address", _ip_address),
    ("localhost", _localhost),
    ("invalid-csp", _invalid_csp),
    ("browser-extensions", _browser_extensions),
    ("release-version", _release_version),
    ("error-message", _error_message),
    ("legacy-browsers", _legacy_browsers),
    ("web-crawlers", _web_crawlers),
)


def _address(text: str) -> Address | None:
    """Return the address, or None. An IPv4 address inside IPv6 (::ffff:10.0.0.1) becomes the IPv4 address."""
    return _parsed_address(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=1024)
def _parsed_address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(text: str) -> Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network for network in map(_network, entries) if network is not None)


def _is_loopback(text: str) -> bool:
    address = _address(text)
    return address is not None and address.is_loopback


def _is_local_page(url: str) -> bool:
    if url.lower().startswith("file:"):
        return True
    host = _host(url)
    return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
