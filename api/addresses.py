"""How the address of something that listens is written."""

from urllib.parse import urlsplit

AT_HOME = frozenset({"127.0.0.1", "::1", "localhost"})


def http_address(host: str, port: int) -> str:
    """The address at which a host listens; one of IPv6 stands in brackets (RFC 3986 section 3.2.2)."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def check_address(text: str) -> None:
    """Return if others can be told this address of a service; raises `ValueError` if it is none, or says too much."""
    parts = urlsplit(text)
    bare = not (parts.query or parts.fragment or parts.username) and parts.port != 0
    if not (parts.scheme in {"http", "https"} and parts.hostname and bare and text.isprintable() and " " not in text):
        raise ValueError("it is no address like https://log.example")


def is_private(address: str) -> bool:
    """Whether nobody on the way reads what is sent to an address: by https, or on this machine."""
    parts = urlsplit(address)
    return parts.hostname is not None and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in AT_HOME)
    )


def check_issuer(text: str) -> None:
    """Return if a provider of sign-ins may have this address; raises `ValueError`."""
    check_address(text)
    if not is_private(text):
        raise ValueError("a provider of sign-ins has an https address")
