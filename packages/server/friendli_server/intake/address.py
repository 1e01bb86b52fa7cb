"""Which addresses may be dialled: those of the public Internet, judged by a list of our own.

`ipaddress.is_global` is not enough: some Python versions call metadata services, NAT64 and 6to4
global. Sources: the IANA special-purpose address registries for IPv4 and IPv6.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_DENIED_V4 = [
    IPv4Network(net)
    for net in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
]
_ALLOWED_V6 = IPv6Network("2000::/3")
_DENIED_V6 = [
    IPv6Network(net)
    for net in ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]
]
"""Within 2000::/3. 2002::/16 and 2001::/32 (Teredo) carry IPv4 addresses."""


def is_public(text: str) -> bool:
    """Whether the address in `text` is on the public Internet; False if it is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        return _is_public_v6(address)
    return not any(address in net for net in _DENIED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if mapped := address.ipv4_mapped:
        return is_public(str(IPv4Address(mapped)))
    if address.scope_id is not None or address not in _ALLOWED_V6:
        return False
    return not any(address in net for net in _DENIED_V6)
