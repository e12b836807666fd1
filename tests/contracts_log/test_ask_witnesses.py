"""How the log asks its witnesses: what it sends, what it takes for an answer, and whom it takes nothing from."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from api.process.witnesses import BEHIND_MS, MOST_BYTES, TRIES, Witnesses, open_policy
from custody.kernel.errors import Conflict, Fatal, Rejected, Unavailable
from custody.ledger.cosignature import mldsa_key, new_mldsa_signer
from custody.ledger.note import EM_DASH, SignatureKind, text_key
from custody.ledger.witness import parse_add_checkpoint
from custody.ledger.witness_policy import parse_policy
from custody.store import log_reader, witness_book
from custody.store.unit import House
from custody.store.witness_folder import WitnessFolder
from custody.usecases.cosign import parties
from custody.usecases.witness_log import Witness, WitnessAnswer
from tests.contracts_log.small_house import VERIFIER, add_records, raises
from tests.waiting import until
from tests.world_parts import Clock, key

LOG = VERIFIER.key
SIZE = "text/x.tlog.size"

Answering = Callable[[bytes], WitnessAnswer]


class Address:
    """A witness's address: what it was asked, and how it answers."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.paths: list[str] = []
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        address = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                address.asked.append(body)
                address.paths.append(self.path)
                told = address.answer(body)
                self.send_response(told.status)
                for name, value in {"Content-Type": told.content_type, **address.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.body.encode())

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        return Door

    def old_sizes(self) -> list[int]:
        """From which sizes it was shown the way."""
        return [parse_add_checkpoint(body).old_size for body in self.asked]

    def close(self) -> None:
        """Nobody is there any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def carrier(folder: WitnessFolder) -> Iterator[Address]:
    """Lend the address of a witness that is one of ours."""
    address = Address(
        Witness(folder, name="carrier.example/w", signer=key("carrier"), logs=[LOG], clock=Clock()).add_checkpoint
    )
    yield address
    address.close()


def policy_text(url: str, *more: str) -> str:
    vkey = text_key("carrier.example/w", key("carrier").public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
    return "\n".join([f"log {LOG.vkey()}", f"witness carrier {vkey} {url}", *more, "quorum carrier", ""])


@contextmanager
def asking(house: House, url: str, *more: str) -> Iterator[Witnesses]:
    """What asks the witness at an address, and those of more lines of the policy; no thread of it runs."""
    made = Witnesses(house, parse_policy(policy_text(url, *more)))
    yield made
    made._http.close()


def size_of(house: House) -> int:
    with house.read() as session:
        return log_reader.head(session).size


def cosigned(house: House) -> int:
    """The size that the public sees."""
    with house.read() as session:
        newest = witness_book.newest(session)
    return newest.size if newest else 0


def test_the_newest_head_is_shown_with_the_way_from_what_the_witness_cosigned_last(
    house: House, carrier: Address
) -> None:
    with asking(house, f"{carrier.url}/") as witnesses:
        (desk,) = witnesses.desks
        for old in (0, 1, 4):
            witnesses.visit(desk)
            assert (desk.size, cosigned(house)) == (size_of(house), size_of(house))
            add_records(house, 3)
            assert carrier.old_sizes()[-1] == old
    assert carrier.paths == ["/add-checkpoint"] * 3


def test_the_parties_are_those_whose_lines_the_public_sees(house: House, carrier: Address) -> None:
    with asking(house, carrier.url) as witnesses:
        for seen in ([], ["carrier"]):
            with house.read() as session:
                assert [each.party for each in parties(session, witnesses.policy)] == seen
            witnesses.visit(witnesses.desks[0])


def test_a_witness_that_cosigned_the_head_is_not_asked_again(house: House, carrier: Address) -> None:
    with asking(house, carrier.url) as witnesses:
        witnesses.visit(witnesses.desks[0])
        witnesses.visit(witnesses.desks[0])
    assert len(carrier.asked) == 1
    with asking(house, carrier.url) as again:
        assert again.desks[0].size == 1
        again.visit(again.desks[0])
    assert len(carrier.asked) == 1


def test_a_key_that_has_not_cosigned_yet_has_its_address_asked_again(house: House, carrier: Address) -> None:
    with asking(house, carrier.url) as witnesses:
        witnesses.visit(witnesses.desks[0])
    second = mldsa_key("carrier.example/w", new_mldsa_signer(bytes(32))).vkey()
    with asking(house, carrier.url, f"witness carrier-pq {second} {carrier.url}/") as witnesses:
        (desk,) = witnesses.desks
        assert (desk.size, list(desk.keys)) == (0, ["carrier", "carrier-pq"])


def states(house: House, witnesses: Witnesses, *, later_ms: int = 0) -> list[dict[str, Any]]:
    """What is said of the witnesses, now or so much later."""
    with house.read() as session:
        return witnesses.states(session, now_ms=house.clock.now_ms() + later_ms)


def test_each_address_has_a_desk_of_its_own(house: House, carrier: Address) -> None:
    other = text_key("other.example/w", key("other").public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
    with asking(house, carrier.url, f"witness other {other} http://127.0.0.1:9") as witnesses:
        assert [(desk.url, list(desk.keys)) for desk in witnesses.desks] == [
            (carrier.url, ["carrier"]),
            ("http://127.0.0.1:9", ["other"]),
        ]
        witnesses.visit(witnesses.desks[0])
        assert states(house, witnesses) == [
            {"witness": "carrier", "url": carrier.url, "size": 1, "trouble": None},
            {"witness": "other", "url": "http://127.0.0.1:9", "size": 0, "trouble": None},
        ]


def test_a_witness_that_remembers_another_size_is_asked_from_there(house: House, carrier: Address) -> None:
    with asking(house, carrier.url) as witnesses:
        witnesses.visit(witnesses.desks[0])
        add_records(house, 4)
        witnesses.desks[0].size = 0
        witnesses.visit(witnesses.desks[0])
        assert witnesses.desks[0].size == 5
    assert carrier.old_sizes() == [0, 0, 1]


def test_a_witness_that_changes_its_mind_is_not_asked_for_ever(house: House, carrier: Address) -> None:
    add_records(house, 9)
    told = iter(range(1, 100))
    carrier.answer = lambda _body: WitnessAnswer(
        status=409, body=f"{next(told)}\n", content_type=f"{SIZE} ; charset=utf-8"
    )
    with asking(house, carrier.url) as witnesses, raises(Conflict, "witness"):
        witnesses.visit(witnesses.desks[0])
    assert carrier.old_sizes() == list(range(TRIES))


def test_a_witness_that_knows_a_longer_log_than_ours_is_not_argued_with(house: House, carrier: Address) -> None:
    carrier.answer = lambda _body: WitnessAnswer(status=409, body="2\n", content_type=SIZE)
    with asking(house, carrier.url) as witnesses, raises(Rejected, "witness"):
        witnesses.visit(witnesses.desks[0])
    assert len(carrier.asked) == 1


REFUSALS: dict[str, tuple[WitnessAnswer, type[Exception]]] = {
    "another past": (WitnessAnswer(status=422, body="the proof fails\n"), Rejected),
    "an unknown log": (WitnessAnswer(status=404, body="the origin is unknown\n"), Rejected),
    "a size as a plain text": (WitnessAnswer(status=409, body="0\n", content_type="text/plain"), Rejected),
    "a size without an end": (WitnessAnswer(status=409, body="0", content_type=SIZE), Rejected),
    "a size under another status": (WitnessAnswer(status=400, body="0\n", content_type=SIZE), Rejected),
    "no number": (WitnessAnswer(status=409, body="-1\n", content_type=SIZE), Rejected),
    "a witness in trouble": (WitnessAnswer(status=503, body="nothing was cosigned\n"), Unavailable),
    "no cosignature": (WitnessAnswer(status=200, body=""), Rejected),
    "another's cosignature": (WitnessAnswer(status=200, body="— thief.example/w AAAAAA==\n"), Rejected),
    "nonsense": (WitnessAnswer(status=200, body="yes\n"), Rejected),
    "a cosignature under another status": (WitnessAnswer(status=201, body=""), Rejected),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_no_cosignature_moves_nothing(house: House, carrier: Address, what: str) -> None:
    answer, error = REFUSALS[what]
    carrier.answer = lambda _body: answer
    with asking(house, carrier.url) as witnesses:
        with pytest.raises(error) as told:
            witnesses.visit(witnesses.desks[0])
        assert witnesses.desks[0].size == 0
    assert (len(carrier.asked), cosigned(house)) == (1, 0)
    if answer.status != 200 and answer.content_type != SIZE:
        assert f"it answered {answer.status}: {answer.body.strip()}" in str(told.value)


def test_a_witness_that_sends_us_elsewhere_is_not_followed(house: House, carrier: Address) -> None:
    honest = carrier.answer
    carrier.headers = {"Location": f"{carrier.url}/add-checkpoint"}
    carrier.answer = lambda body: honest(body) if len(carrier.asked) > 1 else WitnessAnswer(status=307, body="")
    with asking(house, carrier.url) as witnesses, raises(Rejected, "witness"):
        witnesses.visit(witnesses.desks[0])
    assert (len(carrier.asked), cosigned(house)) == (1, 0)


def test_a_witness_in_trouble_is_named_asked_again_and_forgiven(house: House, carrier: Address) -> None:
    honest, carrier.answer = carrier.answer, lambda _body: WitnessAnswer(status=503, body="away\n")
    witnesses = Witnesses(house, parse_policy(policy_text(carrier.url)))
    (desk,) = witnesses.desks
    witnesses.start()
    try:
        until(lambda: desk.trouble)
        assert "it answered 503: away" in states(house, witnesses)[0]["trouble"]
        carrier.answer = honest
        until(lambda: desk.size == 1 and not desk.trouble)
        add_records(house, 1)
        witnesses.poke()
        until(lambda: cosigned(house) == 2)
    finally:
        witnesses.stop()
    assert not any(thread.name == f"witness {carrier.url}" for thread in threading.enumerate())
    add_records(house, 1)
    with pytest.raises(RuntimeError):
        witnesses.visit(desk)


def test_an_answer_longer_than_any_cosignature_is_not_read_to_its_end(house: House, carrier: Address) -> None:
    honest = carrier.answer
    for status in (200, 503):
        carrier.answer = lambda body, status=status: WitnessAnswer(  # type: ignore[misc]  # mypy infers no default of a lambda
            status=status, body=honest(body).body + f"{EM_DASH} {'w' * MOST_BYTES} AAAAAAA=\n"
        )
        with asking(house, carrier.url) as witnesses, raises(Rejected, "witness"):
            witnesses.visit(witnesses.desks[0])
    assert cosigned(house) == 0


@contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """Lend an address whose one answer begins with `head` and goes on byte by byte for a while."""

    def drip() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(head)
            for _ in range(30):
                time.sleep(0.02)
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nServer: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"])
def test_a_witness_whose_answer_comes_byte_by_byte_is_named_and_has_one_question_at_a_time(
    house: House, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr("api.process.witnesses.ANSWER_S", 0.2)
    with dripping(head) as url, asking(house, url) as witnesses:
        for _ in range(2):
            with pytest.raises(Unavailable, match="takes too long"):
                witnesses.visit(witnesses.desks[0])


@pytest.mark.parametrize("charset", ["hex", "utf-7", "undefined"])
def test_a_cosignature_is_read_as_utf_8_whatever_the_witness_calls_it(
    house: House, carrier: Address, charset: str
) -> None:
    carrier.headers = {"Content-Type": f"text/plain; charset={charset}"}
    with asking(house, carrier.url) as witnesses:
        witnesses.visit(witnesses.desks[0])
    assert cosigned(house) == 1


def test_whatever_goes_wrong_with_a_witness_is_named_and_it_is_asked_again(house: House, carrier: Address) -> None:
    witnesses = Witnesses(house, parse_policy(policy_text("http://[::1")))
    (desk,) = witnesses.desks
    witnesses.start()
    try:
        until(lambda: desk.trouble)
        desk.url = carrier.url
        until(lambda: desk.size == 1 and not desk.trouble)
    finally:
        witnesses.stop()


def test_nobody_is_there_and_that_is_said(house: House, carrier: Address) -> None:
    with asking(house, "http://127.0.0.1:9") as witnesses, pytest.raises(httpx.ConnectError):
        witnesses.visit(witnesses.desks[0])
    assert carrier.asked == []


def test_a_policy_of_another_log_is_not_used() -> None:
    policy = parse_policy(policy_text("http://carrier"))
    assert open_policy(policy, vkey=LOG.vkey()) is policy
    with raises(Fatal, "witness_policy"):
        open_policy(policy, vkey=text_key("other.example/log", key("log").public).vkey())


def test_a_process_that_asks_no_witness_itself_says_which_is_behind_and_since_when(
    house: House, carrier: Address
) -> None:
    """Of several processes one asks them, and any may be asked how they are."""
    with asking(house, carrier.url) as asks, asking(house, carrier.url) as beside:
        asks.visit(asks.desks[0])
        assert states(house, beside, later_ms=BEHIND_MS)[0] == {
            "witness": "carrier",
            "url": carrier.url,
            "size": 1,
            "trouble": None,
        }
        add_records(house, 1)
        assert states(house, beside)[0]["trouble"] is None, "it is not behind for a second or two"
        assert "cosigned nothing that came since" in states(house, beside, later_ms=BEHIND_MS)[0]["trouble"]
