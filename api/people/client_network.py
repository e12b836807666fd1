"""From where a request comes, as acts are counted by address.

A site has 64 bits of IPv6 addresses at least (RFC 6177), so whoever has one of them has all: they count as one. An
address of IPv4 that is written as one of IPv6 (RFC 4291 section 2.5.5.2) is the same address.
"""

from ipaddress import AddressValueError, IPv6Address, IPv6Network

from fastapi import Request

SITE_BITS = 64


def network_of(request: Request) -> str:
    """The address of IPv4, or the network of that of IPv6; whatever else the web server says, as it stands."""
    said = request.client.host if request.client else ""
    try:
        address = IPv6Address(said.partition("%")[0])
    except AddressValueError:
        return said
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, SITE_BITS), strict=False).network_address)
