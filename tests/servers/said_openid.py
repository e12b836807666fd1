"""A provider of sign-ins that says whatever a test wants, on 127.0.0.1. A true one is `servers/openid.py`."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr

from api.process.open_id import Identity, OpenIdProvider, SignOn
from tests.world_parts import Clock

BACK = "https://weaklink.example/console/sign-on/back"
CODE = "the code"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(key: Any, **more: str) -> dict[str, Any]:
    """A key as a provider publishes it (RFC 7517)."""
    kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "use": "sig", **more}


@dataclass(slots=True, kw_only=True)
class Provider:
    """A provider that says what it is told to say."""

    issuer: str = ""
    clock: Clock = field(default_factory=Clock)
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public(RSA, kid="one")])
    sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(claims, RSA, "RS256", {"kid": "one"})
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Every address that was asked for, in order."""
    status: int = 200
    slow_s: float = 0.0
    known: OpenIdProvider | None = None

    def said(self, path: str) -> dict[str, Any]:
        known = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.metadata,
            },
            "/keys": {"keys": self.keys},
        }
        return known.get(path) or {"id_token": self.sign(self.given), "access_token": "x", "token_type": "Bearer"}

    def known_as(self, **more: Any) -> OpenIdProvider:
        """This provider, as a service knows it that has just started."""
        settings: dict[str, Any] = {
            "client_id": "weaklink",
            "client_secret": SecretStr(""),
            "role_claim": "",
            "clock": self.clock,
            **more,
        }
        return OpenIdProvider(self.issuer, **settings)

    def identity(
        self, begun: SignOn, *, max_age_s: int | None = None, known_as: Mapping[str, Any] | None = None, **answer: str
    ) -> Identity:
        """What comes of an answer of this provider to a sign-in."""
        now_s = self.clock.now_ms() // 1000
        own = {"iss": self.issuer, "sub": "ann", "aud": "weaklink", "iat": now_s, "exp": now_s + 300}
        claims = {**own, "nonce": begun.nonce, **self.claims}
        self.given = {name: said for name, said in claims.items() if said != ""}
        given = {"state": begun.state, "code": CODE, **answer}
        known = self.known or self.known_as(**known_as or {})
        return known.identity(begun, given, back=BACK, max_age_s=max_age_s)


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Lend one."""
    made = Provider()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            time.sleep(made.slow_s)
            body = json.dumps(made.said(self.path)).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.forms.append(parse_qs(sent))
            made.authorizations.append(self.headers["Authorization"])
            self.do_GET()

        def log_message(self, *_said: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
