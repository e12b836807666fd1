"""A mistake on the command line is told in two lines, what was wrong and what to do, and never as a traceback."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from api.cli.client import named
from custody.kernel.keys import new_signer
from custody.ledger.note import SignatureKind, text_key
from tests.doors.command_line import CommandLine
from tests.servers.answers import serving

SITE = ("--site", "https://id.gs1.org/414/9521473000102", "--custodian", "https://id.gs1.org/417/9521473000010")
VKEY = text_key("log.example", new_signer(seed=bytes(31) + b"\6").public).vkey()
OTHER_VKEY = text_key("log.example", new_signer(seed=bytes(31) + b"\5").public).vkey()
WITNESS_VKEY = text_key(
    "carrier.example/w1", new_signer(seed=bytes(31) + b"\7").public, kind=SignatureKind.ED25519_COSIGNATURE
).vkey()
CONCLUDE = "investigation conclude case_0k3v9q2m7x4d8r1t --finding x --why y"
MISTAKES = {
    "verify nofile.zip": 2,
    "verify key.pem": 2,
    "verify key.pem --vkey=": 2,
    f"verify key.pem --vkey {VKEY[:-1]}": 2,
    f"verify key.pem --vkey {WITNESS_VKEY}": 2,
    "verify key.pem --witnesses nofile": 2,
    "verify key.pem --witnesses afile": 2,
    "verify key.pem --witnesses empty.pem": 2,
    "verify key.pem --witnesses log.policy": 2,
    "scan nofile.json --station key.pem": 1,
    "scan . --station key.pem": 1,
    "scan key.pem --station afile": 1,
    "scan key.pem --station noise.pem": 1,
    "scan key.pem --station empty.pem": 1,
    "scan key.pem --station list.pem": 1,
    "capture nofile.json --station key.pem --json": 1,
    "station keygen nodir/b.pem": 1,
    "station enrol bench-4 --token t --key afile": 1,
    "registrar approve afile --name carrier --key key.pem --out carrier.approval": 1,
    "registrar approve nofile --name carrier --key key.pem --out carrier.approval": 1,
    "registrar enrol nofile --name carrier --key key.pem": 1,
    "registrar enact nofile nofile": 1,
    "pack case_0k3v9q2m7x4d8r1t --out nodir/x": 1,
    "pack case_0k3v9q2m7x4d8r1t --out .": 1,
    "log proof 17 --out nodir/x": 1,
    "log receipt 17 --out nodir/x": 1,
    "log entry 17 --out nodir/x": 1,
    f"log check noise.pem afile --vkey {VKEY} --witnesses noise.pem": 2,
    f"log check noise.pem afile --vkey {VKEY[:-1]}": 2,
    f"log check noise.pem afile --vkey {WITNESS_VKEY}": 2,
    f"log check noise.pem nofile --vkey {VKEY}": 2,
    f"log check noise.pem afile --vkey {VKEY} --checkpoint afile": 2,
    f"log check noise.pem afile --vkey {VKEY} --witnesses good.policy": 2,
    f"log check noise.pem afile --vkey {VKEY} --witnesses other.policy": 2,
    f"log check noise.pem afile --vkey {VKEY} --witnesses nolog.policy": 2,
    f"verify key.pem --vkey {VKEY} --witnesses other.policy": 2,
    f"verify key.pem --vkey {VKEY} --witnesses nolog.policy": 2,
    f"log check noise.pem afile --vkey {VKEY}": 1,
    f"log audit . --vkey {VKEY} --witnesses noise.pem": 2,
    f"witness --name w --log {VKEY} --data afile/x": 1,
    f"witness --name w --log {WITNESS_VKEY} --data w1": 1,
    f"witness --name bad/+name --log {VKEY} --data w1": 1,
    "broker-config afile": 1,
}


REQUEST = "station request bench-4 --key key.pem --out bench-4.request"
UNFIT = {
    "--site shop --custodian https://id.gs1.org/417/9521473000010": "the site: 'shop' names no GS1 key",
    "--site https://id.gs1.org/414/9521473000103 --custodian https://id.gs1.org/417/9521473000010": "the site: ",
    "--site https://id.gs1.org/417/9521473000010 --custodian https://id.gs1.org/417/9521473000010": "is no GLN",
    "--site https://id.gs1.org/414/9521473000102 --custodian me": "the custodian: 'me' names no GS1 key",
    f"{' '.join(SITE)} --step shelf": "'shelf' is not a step",
}


@pytest.fixture
def shell(tmp_path: Path) -> CommandLine:
    """Lend a shell in a folder with a key and some files that are none; no service answers."""
    pem = new_signer().private_pem()
    for name, state in {"key": {"station": "s", "seq": 0, "prev": None}, "empty": {}, "list": []}.items():
        (tmp_path / f"{name}.pem").write_text(pem)
        (tmp_path / f"{name}.state.json").write_text(json.dumps(state))
    (tmp_path / "noise.pem").write_bytes(bytes(range(256)))
    (tmp_path / "afile").write_text("no key, no policy, no folder")
    (tmp_path / "good.policy").write_text(f"log {VKEY}\nquorum none\n")
    (tmp_path / "other.policy").write_text(f"log {OTHER_VKEY}\nquorum none\n")
    (tmp_path / "nolog.policy").write_text("quorum none\n")
    (tmp_path / "log.policy").write_text(f"log {VKEY}\nwitness carrier {VKEY}\nquorum carrier\n")
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


class Stranger(BaseHTTPRequestHandler):
    """Somebody else's web server: a page for everybody."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/v1/hotspots" else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<html>\n<p>Hello!\n</html>")

    do_POST = do_GET  # noqa: N815 - the name that http.server asks for

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """Lend the address of a web server that is not ours."""
    with serving(Stranger) as address:
        yield address


def assert_told(shell: CommandLine, line: str, *, code: int) -> str:
    """The two lines that a mistake is told in."""
    said = shell.run(*line.split(), expect=code)
    what, fix = said.err.splitlines()
    assert what.startswith("error "), said.err
    assert fix.strip(), said.err
    assert said.out == ""
    return what


@pytest.mark.parametrize("line", MISTAKES)
def test_a_plain_mistake_is_told_in_two_lines(shell: CommandLine, line: str) -> None:
    assert_told(shell, line, code=MISTAKES[line])


UNMEANT = [
    "dispute open words --order=",
    "dispute open words --item=",
    "dispute open words --claim=",
    "bench --database-url abc",
    "bench --database-url mysql://a/b",
    "lock authority --approve=",
    "lock authority --approve= --propose",
    "lock authority --approve auth_0k3v9q2m7x4d8r1t --propose",
    "lock alerts --seen=",
    "lock export-list lists --key=",
    f"{CONCLUDE} --probability nan --low 0 --high 1",
    f"{CONCLUDE} --probability 0.5 --low -0.1 --high 1",
    f"{CONCLUDE} --probability 0.5 --low 0 --high inf",
    "log export afile",
]


@pytest.mark.parametrize("line", UNMEANT)
def test_what_cannot_be_meant_is_told_before_a_service_is_asked(shell: CommandLine, line: str) -> None:
    assert "does not answer" not in assert_told(shell, line, code=1)


@pytest.mark.parametrize("target", ["", " "])
def test_an_export_to_nowhere_writes_nothing_here(shell: CommandLine, target: str) -> None:
    before = sorted(shell.folder.iterdir())
    assert "no target is named" in shell.run("log", "export", target, expect=1).err
    assert sorted(shell.folder.iterdir()) == before


@pytest.mark.parametrize(
    "line",
    [
        "broker-config {}",
        "serve --port 0 --data={}",
        f"witness --name w --log {VKEY} --port 0 --data={{}}",
        "lock export-list {}",
        "log verdicts --data={}",
    ],
)
@pytest.mark.parametrize("typed", ["", " "])
def test_a_folder_without_a_name_is_not_the_one_that_the_command_was_typed_in(
    shell: CommandLine, line: str, typed: str
) -> None:
    before = sorted(shell.folder.iterdir())
    said = shell.run(*(word.replace("{}", typed) for word in line.split()), expect=2)
    assert "no folder is named" in said.err
    assert said.out == ""
    assert sorted(shell.folder.iterdir()) == before


@pytest.mark.parametrize("line", ["serve --data data --port 0", f"witness --name w --log {VKEY} --data data --port 0"])
@pytest.mark.parametrize("host", ["", "\u00fc" * 64, f"{'a' * 64}.example"])
def test_nothing_listens_on_every_network_unless_it_is_told_to_and_an_address_that_is_none_is_refused(
    shell: CommandLine, line: str, host: str
) -> None:
    """A socket takes an address of nothing for all addresses of its machine."""
    before = sorted(shell.folder.iterdir())
    what, fix = shell.run(*line.split(), f"--host={host}", expect=1).err.splitlines()
    assert "it cannot listen on" in what
    assert fix.strip().startswith("Choose another --host")
    assert sorted(shell.folder.iterdir()) == before


def test_what_is_too_long_for_an_address_is_not_told_as_a_service_that_is_away(shell: CommandLine) -> None:
    what = assert_told(shell, f"trail {'x' * 100_000}", code=1)
    assert "cannot be part of an address" in what
    assert "does not answer" not in what


@pytest.mark.parametrize("words", UNFIT)
def test_a_station_that_no_registrar_could_enrol_makes_no_request(shell: CommandLine, words: str) -> None:
    assert UNFIT[words] in assert_told(shell, f"{REQUEST} {words}", code=1)
    assert not (shell.folder / "bench-4.request").exists()
    assert "is not a station name" in assert_told(shell, REQUEST.replace("bench-4 ", "a/b ") + f" {words}", code=1)


@pytest.mark.parametrize("name", ["[/bold]", "[red]"])
def test_a_name_is_told_as_it_was_typed(shell: CommandLine, name: str) -> None:
    assert name in assert_told(shell, f"scan {name} --station key.pem", code=1)


@pytest.mark.parametrize(
    "line", ["dispute show ..", "dispute link ..", "lock show ../disputes", "unlock lock_1/approve", "lock show ."]
)
def test_a_name_asks_for_no_page_but_its_own(shell: CommandLine, line: str) -> None:
    assert "is no name" in assert_told(shell, line, code=1)


def test_what_is_no_letter_of_a_path_is_written_as_one() -> None:
    assert named("case_1?as=csv#end") == "case_1%3Fas%3Dcsv%23end"


FETCHED = ("log proof 17", "log proof 17 --out got", "log receipt 17 --out got", "pack case_0k3v9q2m7x4d8r1t --out got")


@pytest.mark.parametrize("line", ["trail 195214730000088169", "hotspots", *FETCHED])
def test_a_web_server_that_is_not_ours_is_called_so(tmp_path: Path, stranger: str, line: str) -> None:
    what = assert_told(CommandLine(address=stranger, folder=tmp_path), line, code=1)
    assert f"{stranger} is not weaklink" in what
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("line", ["trail \udcff", "dispute open \udcff", "login agent-1 --password \udcff"])
def test_what_is_no_text_is_not_told_as_a_service_that_is_away(shell: CommandLine, line: str) -> None:
    what = assert_told(shell, line, code=1)
    assert "is not UTF-8" in what
    assert "does not answer" not in what


@pytest.mark.parametrize("token", ["\u201cabc\u201d", "abc\r", "\udcff"])
def test_a_token_that_cannot_be_one_is_not_told_as_a_service_that_is_away(shell: CommandLine, token: str) -> None:
    said = replace(shell, token=token).run("hotspots", expect=1)
    what, fix = said.err.splitlines()
    assert what == "error WEAKLINK_TOKEN holds what no token holds"
    assert fix.strip() == "Sign in with `weaklink login ACCOUNT` and set it anew."


@pytest.mark.parametrize("address", ["http://127.0.0.1:port", "http://xn--a", "localhost"])
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str) -> None:
    assert address in assert_told(CommandLine(address=address, folder=tmp_path), "hotspots", code=1)


@pytest.mark.parametrize("setting", ["PORT=eighty", "WORKERS=0", "LOCK_CAPS=few"])
@pytest.mark.parametrize(("line", "code"), [("serve", 1), ("log verdicts", 2)])
def test_a_setting_that_cannot_be_is_named(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, setting: str, line: str, code: int
) -> None:
    name, _, value = setting.partition("=")
    monkeypatch.setenv(f"WEAKLINK_{name}", value)
    assert name.lower() in assert_told(shell, line, code=code)
