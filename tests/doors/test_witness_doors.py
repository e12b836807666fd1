"""The doors of a witness: whom a client that leaves disturbs, and what a damaged note answers."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from api.routes.witness import witness_app
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.merkle import EMPTY_ROOT
from custody.ledger.note import text_key
from custody.ledger.witness import format_add_checkpoint
from custody.store.witness_folder import WitnessFolder
from custody.usecases.witness_log import Witness
from tests.world_parts import Clock, key

ORIGIN = "log.example/w"
NAME = hashlib.sha256(ORIGIN.encode()).hexdigest()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Starlette]:
    """Lend the doors of a witness that knows one log."""
    log = text_key(ORIGIN, key("log").public)
    with closing(WitnessFolder(tmp_path)) as folder:
        yield witness_app(Witness(folder, name="carrier.example/w1", signer=key("witness"), logs=[log], clock=Clock()))


def test_a_client_that_hangs_up_in_the_middle_of_its_body_raises_nothing(app: Starlette) -> None:
    came = iter(
        [{"type": "http.request", "body": b"old 0\n", "more_body": True}, {"type": "http.disconnect"}],
    )

    async def receive() -> dict[str, Any]:
        return next(came)

    async def send(_message: object) -> None:
        """Nobody is there to read it."""

    scope = {"type": "http", "method": "POST", "path": "/add-checkpoint", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # any dictionary is a message to Starlette


@pytest.mark.parametrize("damage", [b"", b"rubbish\n", "another log"])
def test_a_kept_note_that_is_damaged_is_shown_to_nobody_and_says_503_as_add_checkpoint_does(
    app: Starlette, tmp_path: Path, damage: bytes | str
) -> None:
    body = format_add_checkpoint(0, [], note_of(ORIGIN))
    assert ask(app, "POST", "/add-checkpoint", body).status_code == 200
    path = f"/{NAME}/checkpoint"
    assert ask(app, "GET", path).status_code == 200
    (tmp_path / f"{NAME}.note").write_bytes(damage if isinstance(damage, bytes) else note_of("other.example/log"))
    for answer in (ask(app, "POST", "/add-checkpoint", body), ask(app, "GET", path)):
        assert answer.status_code == 503
        assert "cannot be read" in answer.text
    assert ask(app, "GET", f"/{'0' * 64}/checkpoint").status_code == 404


def note_of(origin: str) -> bytes:
    """A signed checkpoint of an empty log."""
    return sign_checkpoint(Checkpoint(origin=origin, size=0, root=EMPTY_ROOT), key("log"))


def ask(app: Starlette, method: str, path: str, content: bytes = b"") -> httpx.Response:
    """One request."""

    async def over_asgi() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://witness") as client:
            return await client.request(method, path, content=content)

    return asyncio.run(over_asgi())
