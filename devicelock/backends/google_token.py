"""Access tokens of Google for a service account (RFC 7523 section 2.1: a signed token as an authorisation grant).

The key file is the JSON that Google gives out for a service account; `client_email`, `private_key` (PEM, RSA) and
`token_uri` are used. The grant is a token (RFC 7519) signed by RS256 with `iss`, `scope`, `aud`, `iat`, `exp`. An
access token is used until a minute before it ends or until it is not taken any more, and asked for anew then.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from custody.kernel.clock import SECOND_MS, Clock
from custody.kernel.errors import Fatal, Unavailable
from devicelock.backends.contract import BackendAnswer
from devicelock.backends.exchange import Request, Send, judge, read_json
from devicelock.backends.signed_token import sign_token

SCOPE = "https://www.googleapis.com/auth/androidmanagement"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_LIFE_S, SPARE_S = 3600, 60
WHO = "Google's token service"


class ServiceAccount:
    """A service account; call it for a valid access token."""

    def __init__(self, key_file: bytes, connect: Callable[[str], Send], *, clock: Clock) -> None:
        """`connect` gives the line to an address; raises `Fatal("android_key")` if the file is no key file."""
        try:
            read = msgspec.json.decode(key_file, type=dict[str, Any])
            self._email, self._token_uri = str(read["client_email"]), str(read["token_uri"])
            key = load_pem_private_key(str(read["private_key"]).encode(), password=None)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise _no_key(str(error)) from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise _no_key("its key is no RSA key")
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._until_ms = "", 0
        where = urlsplit(self._token_uri)
        self._path = where.path
        self._send = connect(f"{where.scheme}://{where.netloc}")

    def __call__(self, refused: str | None = None) -> str:
        """A valid token, not the one that was refused; raises `Unavailable` if none is to be had."""
        with self._lock:
            if self._clock.now_ms() >= self._until_ms or self._token == refused:
                self._renew()
            return self._token

    def _renew(self) -> None:
        now_s = self._clock.now_ms() // SECOND_MS
        reply = self._send(self._request(now_s))
        if judge(reply, who=WHO) is not BackendAnswer.TAKEN:
            raise _no_token(f"it answered {reply.status}")
        body: Mapping[str, Any] = read_json(reply, who=WHO)
        token, life_s = body.get("access_token"), body.get("expires_in")
        if not isinstance(token, str) or not isinstance(life_s, int):
            raise _no_token("its answer holds no token")
        self._token, self._until_ms = token, (now_s + life_s - SPARE_S) * SECOND_MS

    def _request(self, now_s: int) -> Request:
        claims = {
            "iss": self._email,
            "scope": SCOPE,
            "aud": self._token_uri,
            "iat": now_s,
            "exp": now_s + GRANT_LIFE_S,
        }
        form = urlencode({"grant_type": GRANT, "assertion": sign_token(claims, self._key, algorithm="RS256")})
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        return Request(method="POST", path=self._path, headers=headers, body=form.encode())


def _no_token(why: str) -> Unavailable:
    return Unavailable("backend_credentials", f"{WHO} gave no token: {why}", fix="Check the service account's rights.")


def _no_key(why: str) -> Fatal:
    return Fatal("android_key", f"not the key file of a service account: {why}", fix="Download it from Google again.")
