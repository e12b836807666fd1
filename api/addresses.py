"""How the address of something that listens is written."""

from urllib.parse import urlsplit


def http_address(host: str, port: int) -> str:
    """The address at which a host listens; one of IPv6 stands in brackets (RFC 3986 section 3.2.2)."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def check_address(text: str) -> None:
    """Return if others can be told this address of a service; raises `ValueError` if it is none, or says too much."""
    parts = urlsplit(text)
    bare = not (parts.query or parts.fragment or parts.username) and parts.port != 0
    if not (parts.scheme in {"http", "https"} and parts.hostname and bare and text.isprintable() and " " not in text):
        raise ValueError("it is no address like https://log.example")
