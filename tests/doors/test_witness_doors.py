"""The doors of a witness: whom a client that leaves disturbs, and what a damaged note answers."""

import asyncio
import hashlib
import subprocess
import sys
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
from custody.store.witness_folder import NAME_FILE, WitnessFolder
from custody.usecases.witness_log import Witness
from tests.servers.witness import WitnessProcess
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


def test_the_keys_of_a_folder_serve_under_one_name_for_ever(tmp_path: Path) -> None:
    log, data = text_key(ORIGIN, key("log").public).vkey(), tmp_path / "w1"
    first = WitnessProcess(tmp_path, "w1", log, "--ml-dsa")
    vkeys = first.vkeys
    first.stop()
    ended = start_witness(data, "other.example/w1", log)
    assert (ended.returncode, ended.stdout) == (1, "")
    what, fix = ended.stderr.splitlines()
    assert "w1.example/w1" in what
    assert "--name w1.example/w1" in fix
    assert "folder of its own" in fix
    first.start()
    assert first.vkeys == vkeys, "it still serves under its own name"
    first.stop()


def test_an_old_folder_takes_the_name_that_it_is_started_with_first(tmp_path: Path) -> None:
    log, data = text_key(ORIGIN, key("log").public).vkey(), tmp_path / "w1"
    old = WitnessProcess(tmp_path, "w1", log)
    old.stop()
    (data / NAME_FILE).unlink()
    assert "a key name" in start_witness(data, "no+name", log).stderr
    assert not (data / NAME_FILE).exists(), "which is no name to keep"
    old.start()
    old.stop()
    assert (data / NAME_FILE).read_text() == "w1.example/w1\n"
    assert start_witness(data, "other.example/w1", log).returncode == 1


@pytest.mark.parametrize("damage", [b"", b"\xff\n", b"w1.example/w1", b"w1.example/w1\nother.example/w1\n"])
def test_a_name_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path, damage: bytes) -> None:
    log, data = text_key(ORIGIN, key("log").public).vkey(), tmp_path / "w1"
    data.mkdir()
    (data / NAME_FILE).write_bytes(damage)
    ended = start_witness(data, "w1.example/w1", log)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(NAME_FILE) in ended.stderr
    assert (data / NAME_FILE).read_bytes() == damage


def start_witness(data: Path, name: str, log: str) -> subprocess.CompletedProcess[str]:
    """The command, which is expected not to begin."""
    command = [sys.executable, "-P", "-m", "api.cli.main", "witness", "--name", name, "--log", log]
    command += ["--data", str(data), "--port", "0", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def note_of(origin: str) -> bytes:
    """A signed checkpoint of an empty log."""
    return sign_checkpoint(Checkpoint(origin=origin, size=0, root=EMPTY_ROOT), key("log"))


def ask(app: Starlette, method: str, path: str, content: bytes = b"") -> httpx.Response:
    """One request."""

    async def over_asgi() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://witness") as client:
            return await client.request(method, path, content=content)

    return asyncio.run(over_asgi())
