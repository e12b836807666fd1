"""The only place that reads the process's environment; what a service can be set to is told by `settings.py`."""

import os
from collections.abc import Mapping

ENDPOINTS = {"s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT"), "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")}


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings on top, for a service that is started in a process of its own."""
    return {**os.environ, **{f"WEAKLINK_{name.upper()}": value for name, value in settings.items()}}


def client_address() -> str:
    """Where the command line finds the service: WEAKLINK_URL, else the default address; no slash ends it."""
    return (os.environ.get("WEAKLINK_URL", "").strip() or "http://127.0.0.1:8420").rstrip("/")


def client_token() -> str:
    """The command line's bearer token: WEAKLINK_TOKEN."""
    return os.environ.get("WEAKLINK_TOKEN", "")


def store_endpoints(scheme: str) -> dict[str, str]:
    """Where the object stores of a scheme are set to be, by the variables that their library reads."""
    return {name: endpoint for name in ENDPOINTS.get(scheme, ()) if (endpoint := os.environ.get(name))}
