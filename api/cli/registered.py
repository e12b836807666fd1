"""What a registrar signs here with a key of his own, and hands to the log's standard door."""

from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer

from api.cli.client import call, fail, send, show
from api.cli.key_file import read_key
from custody.kernel.base64url import unb64
from custody.kernel.system_clock import SystemClock
from custody.kernel.system_ids import SystemIds
from custody.ledger.statements import SigningRegistrar

COSE = {"Content-Type": "application/cose"}
SuspectFrom = Annotated[int | None, typer.Option(help="The log index where doubt begins; now if left out.")]
SuspectSince = Annotated[
    str | None, typer.Option(help="The moment where doubt begins, if no index is known: 2026-05-01T14:00:00+01:00.")
]


class Ending(TypedDict):
    """What the end of a station's and of a verifier's key have in common."""

    origin: str
    kid: bytes
    suspect_from: int
    reason: str


def registrar(name: str, key: Path, kind: str) -> SigningRegistrar:
    """The registrar, who signs a statement of that kind now."""
    return SigningRegistrar(name=name, signer=read_key(key), sub=new_subject(kind), iat_s=now_s())


def ending(kid: str, *, suspect_from: int | None, suspect_since: str | None, reason: str) -> Ending:
    """The end of the key with that thumbprint, in doubt from now on unless an earlier entry or moment is named."""
    if suspect_from is not None and suspect_since is not None:
        fail("doubt begins at an index or at a moment, not at both", fix="Give one of them.")
    about = call("GET", "/v1/log")
    since = about["size"] if suspect_from is None else suspect_from
    if suspect_since is not None:
        since = call("GET", "/v1/log/first-since", params={"moment": suspect_since})["index"]
    return {"origin": about["origin"], "kid": unb64(kid, where="kid"), "suspect_from": since, "reason": reason}


def register(statement: bytes, about: dict[str, Any], *, as_json: bool) -> None:
    """Hand a signed statement to the log, and show where it can be read."""
    answer = send("POST", "/entries", content=statement, headers=COSE)
    show({**about, "entry": answer.headers["location"]}, as_json=as_json)


def new_subject(kind: str) -> str:
    """A fresh subject for a statement of that kind."""
    return f"urn:weaklink:{SystemIds().new(kind)}"


def now_s() -> int:
    """The time of issue of what is signed now."""
    return SystemClock().now_ms() // 1000
