"""The other side of a lock system on a real socket: a bench's fake behind HTTP, and Google's token service."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devicelock.backends.exchange import Reply, Request
from tests.contracts_backends.backend_bench import throw_away_key
from tests.servers.answers import serving

Take = Callable[[Request], Reply]


@contextmanager
def other_side(take: Take) -> Iterator[str]:
    """Serve `take` on a free port of 127.0.0.1; the address."""

    class Side(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = tuple((name.lower(), value) for name, value in self.headers.items())
            asked = Request(
                method=self.command, path=parts.path, query=tuple(parse_qsl(parts.query)), headers=headers, body=body
            )
            reply = take(asked)
            self.send_response(reply.status)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_PUT = do_POST = do_PATCH = _answer  # noqa: N815 - the names that the library looks for

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with serving(Side) as address:
        yield address


def with_tokens(take: Take, token: str) -> Take:
    """Google's token service in front of a fake: a signed grant buys the token, and nothing is taken without it."""

    def front(request: Request) -> Reply:
        if request.path == "/token":
            form = dict(parse_qsl(request.body.decode()))
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            assert form["assertion"].count(".") == 2
            return Reply(status=200, body=json.dumps({"access_token": token, "expires_in": 3600}).encode())
        if ("authorization", f"Bearer {token}") not in request.headers:
            return Reply(status=401)
        return take(request)

    return front


def key_file(address: str) -> str:
    """The key file of a service account whose tokens come from this address."""
    pem = throw_away_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    facts = {"client_email": "locks@example.com", "private_key": pem, "token_uri": f"{address}/token"}
    return json.dumps(facts)
