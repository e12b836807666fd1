"""`weaklink lock export-list` writes what it was asked for, whatever the service says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.keys import new_signer
from devicelock.backends.eir_list import EirFileKind, publish
from tests.doors.command_line import CommandLine
from tests.servers.answers import serving

SIGNER = new_signer(seed=bytes(32))
LIST = publish(EirFileKind.DELTA, 1, [], issuer="urn:weaklink:operator:x", at_s=1_778_487_150, signer=SIGNER)


@contextmanager
def liar(names: list[str]) -> Iterator[str]:
    """The address of a service that calls one true file of a list by these names."""
    key = b64(cbor.encode(SIGNER.public.cose_key()))
    told = json.dumps({"newest": 1, "loaded": 0, "key": key, "files": names}).encode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if path.endswith("lists") else "text/csv")
            self.end_headers()
            self.wfile.write(told if path.endswith("lists") else LIST.signature if path.endswith(".cose") else LIST.raw)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with serving(Answers) as address:
        yield address


@pytest.mark.parametrize("name", ["../evil", "{out}/evil", "evil.csv", ".", "0000000001-delta.csv/../../evil"])
def test_a_name_that_no_list_has_leads_out_of_no_folder(tmp_path: Path, name: str) -> None:
    with liar([LIST.name, name.format(out=tmp_path)]) as address:
        told = CommandLine(address=address, folder=tmp_path).run("lock", "export-list", "lists", expect=1)
    assert "nothing was written" in told.err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_is_written_under_the_name_that_it_was_signed_with(tmp_path: Path) -> None:
    with liar([LIST.name, "0000000002-delta.csv"]) as address:
        told = CommandLine(address=address, folder=tmp_path).run("lock", "export-list", "lists", expect=1)
    assert f"signed as {LIST.name}" in told.err
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == [LIST.name, f"{LIST.name}.cose"]
