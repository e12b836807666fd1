"""How the address of something that listens is written."""


def http_address(host: str, port: int) -> str:
    """The address at which a host listens; one of IPv6 stands in brackets (RFC 3986 section 3.2.2)."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
