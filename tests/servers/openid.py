"""Starts an OpenID provider for the tests (`openid.mjs`, on a free port of 127.0.0.1) and ends it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.browser import TOOLS

SCRIPT = Path(__file__).parent / "openid.mjs"


class OpenIdMissing(Exception):
    """There is no node, or its packages were not installed."""


@contextmanager
def running_openid_provider(
    port: int, clients: Sequence[Mapping[str, object]], roles: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Lend a provider's issuer; `roles`: what it says of whom."""
    node = shutil.which("node")
    script = TOOLS / SCRIPT.name  # beside its packages, where node looks for them
    if node is None or not (TOOLS / "node_modules" / "oidc-provider").exists():
        raise OpenIdMissing("no node here, or no oidc-provider in .tools/browser (python3 dev.py setup)")
    shutil.copy(SCRIPT, script)
    with subprocess.Popen(
        [node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "DEBUG": ""}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"port": port, "clients": clients, "roles": roles}) + "\n")
        process.stdin.flush()
        try:
            if process.stdout.readline().strip() != "ready":
                raise OpenIdMissing("the provider did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()
            process.wait(30)
