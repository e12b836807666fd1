"""The log's doors for programs that we did not write: what their libraries send beside what the standards show."""

import base64
import gzip
from collections.abc import Iterator

import httpx
import pytest

from api.cli.instance import Instance
from custody.kernel import cbor, cose
from custody.ledger.tiles import decode_bundle
from tests.doors.log_desk import COSE, Desk

BUNDLE = "/log/tile/entries/000.p/1"
IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[Desk]:
    """One station at the standard door."""
    made = Desk(instance)
    yield made
    made.http.close()


def answered(desk: Desk, path: str, encodings: str) -> tuple[httpx.Headers, bytes]:
    """The headers and the bytes as they came over the wire."""
    with desk.http.stream("GET", path, headers={"Accept-Encoding": encodings}) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("encodings", ["gzip", "GZIP;q=0.5, identity", "br, gzip ; q=1.0", "deflate,gzip"])
def test_a_bundle_of_entries_is_packed_for_whoever_takes_gzip(desk: Desk, encodings: str) -> None:
    """C2SP tlog-tiles, Log entries: bundles should be compressed at the HTTP layer, as the client asks."""
    plain, raw = answered(desk, BUNDLE, "identity")
    assert "content-encoding" not in plain
    packed, wire = answered(desk, BUNDLE, encodings)
    assert (packed["content-encoding"], packed["content-length"]) == ("gzip", str(len(wire)))
    assert gzip.decompress(wire) == raw
    assert len(decode_bundle(raw, 1)) == 1
    for headers in (plain, packed):
        assert (headers["vary"], headers["cache-control"]) == ("Accept-Encoding", IMMUTABLE)
        assert headers["content-type"] == "application/octet-stream"
    head = desk.http.head(BUNDLE, headers={"Accept-Encoding": encodings})
    assert (head.headers["content-encoding"], head.headers["content-length"]) == ("gzip", str(len(wire)))


@pytest.mark.parametrize("encodings", ["", "identity", "gzip;q=0", "gzip; Q=0.000", "br", "xgzip", "*;q=0"])
def test_a_bundle_is_plain_for_whoever_does_not_take_gzip(desk: Desk, encodings: str) -> None:
    headers, raw = answered(desk, BUNDLE, encodings)
    assert "content-encoding" not in headers
    assert len(decode_bundle(raw, 1)) == 1


@pytest.mark.parametrize("path", ["/log/tile/0/000.p/1", "/log/checkpoint"])
def test_hashes_and_checkpoints_are_never_packed(desk: Desk, path: str) -> None:
    headers, _ = answered(desk, path, "gzip")
    assert "content-encoding" not in headers


def test_a_part_that_is_asked_for_may_be_answered_with_the_whole(desk: Desk) -> None:
    """RFC 9110 section 14.2: a server may ignore Range; then it is 200 and not 206."""
    whole = desk.http.get(BUNDLE)
    part = desk.http.get(BUNDLE, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (200, whole.content)
    assert "accept-ranges" not in part.headers


@pytest.mark.parametrize("path", ["0/000.p%2F1", "0%2F000.p/1"])
def test_a_slash_that_is_written_as_percent_2f_is_a_slash(desk: Desk, path: str) -> None:
    assert desk.http.get(f"/log/tile/{path}").content == desk.http.get("/log/tile/0/000.p/1").content


@pytest.mark.parametrize(
    "path", ["0/000", "1/000", "8/0/000", "data/000", "0/000.p/1/", "00/000.p/1", "0/x000/000.p/1", "0/0000.p/1"]
)
def test_what_the_log_has_no_file_for_is_absent(desk: Desk, path: str) -> None:
    """C2SP tlog-tiles, Partial Tiles: an empty tile is not served, nor a full one before it is full."""
    assert desk.http.get(f"/log/tile/{path}").status_code == 404


@pytest.mark.parametrize("sent", ['Application/COSE; cose-type="cose-sign1"', "application/cose ;q=1"])
def test_a_media_type_with_parameters_is_that_type(desk: Desk, sent: str) -> None:
    """RFC 9052 section 11.3.1: application/cose has the optional parameter cose-type; RFC 9110 section 8.3.1."""
    statement, _ = desk.sign()
    assert desk.http.post("/entries", content=statement, headers={"Content-Type": sent}).status_code == 201


def test_a_transparent_statement_is_registered_as_the_statement_in_it(desk: Desk) -> None:
    """RFC 9943 section 6.3: the unprotected header is emptied, so receipts in it (394) make no other entry."""
    statement, _ = desk.sign()
    first = desk.post(statement)
    transparent = cose.parse(statement).with_unprotected({cose.RECEIPTS: [first.content]}).raw
    assert transparent != statement
    again = desk.post(transparent)
    assert (again.status_code, again.headers["location"]) == (201, first.headers["location"])
    before = cose.parse(first.content).unprotected[cose.VDP], cose.parse(again.content).unprotected[cose.VDP]
    assert [cbor.decode(row[-1][0])[1] for row in before] == [cbor.decode(before[0][-1][0])[1]] * 2
    receipt = desk.post(first.content)
    assert (receipt.status_code, cbor.decode(receipt.content)[-1]) == (400, "Payload Missing")


def test_a_statement_that_was_answered_202_and_comes_again_has_the_same_location(desk: Desk) -> None:
    statement, _ = desk.sign()
    later = desk.http.post("/entries", content=statement, headers={**COSE, "Prefer": "wait=10, respond-async"})
    assert (later.status_code, later.content) == (202, b"")
    assert int(later.headers["retry-after"]) >= 1
    assert desk.post(statement).headers["location"] == later.headers["location"]


def test_a_receipts_kid_finds_the_key_that_made_it(desk: Desk) -> None:
    """SCRAPI, Individual Transparency Service Key: base64url of the kid, without padding (RFC 7515 section 2)."""
    statement, _ = desk.sign()
    message = cose.parse(desk.post(statement).content)
    assert set(message.protected) == {cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.VDS}
    name = base64.urlsafe_b64encode(message.kid).rstrip(b"=").decode()
    found = desk.http.get(f"/.well-known/scitt-keys/{name}", headers={"Accept": "application/cbor"})
    key = cbor.decode(found.content)
    assert (found.headers["content-type"], key[2]) == ("application/cbor", message.kid)
    assert -4 not in key, "the private half"
    assert key in cbor.decode(desk.http.get("/.well-known/scitt-keys").content)
    assert desk.http.get(f"/.well-known/scitt-keys/{name}=").status_code == 404
