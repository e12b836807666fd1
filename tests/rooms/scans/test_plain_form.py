"""What is read at one glance is read as it would be part by part: nothing more is taken, nothing is taken otherwise."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, Signer, SoftwareSigner, new_signer
from custody.scans.plain_form import read_plain
from custody.scans.scan import CAPTURED, CONTENT_TYPE, ScanStatement, read_any_scan_statement, read_scan_statement

SIGNER = new_signer()
STATIONS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,30}", fullmatch=True)
EDGES = [1, 2, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**40, 2**63 - 1]
NUMBERS = st.sampled_from(EDGES) | st.integers(1, 2**63 - 1)
TIMES = st.sampled_from([0, *EDGES[:-1]]) | st.integers(0, 253_402_300_799)
KINDS = st.sampled_from([CONTENT_TYPE, CAPTURED])
SUBJECTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40) | st.text(
    "0123456789", min_size=12
)


def statement(
    *,
    station: str = "9521473000102:BENCH07",
    subject: str = "urn:uuid:00000000-0000-4000-8000-000000000001",
    iat_s: int = 1_778_483_640,
    seq: int = 5,
    content_type: str = CONTENT_TYPE,
    signer: Signer = SIGNER,
) -> bytes:
    claims: dict[int | str, object] = {1: f"urn:weaklink:station:{station}", 2: subject, 6: iat_s, "seq": seq}
    if seq > 1:
        claims["prev"] = b"\4" * 32
    return cose.sign({15: claims, 258: -16, 259: content_type}, hashlib.sha256(b"opening").digest(), signer)


def outcome(read: object, raw: bytes) -> ScanStatement | tuple[str, str]:
    assert callable(read)
    try:
        said: ScanStatement = read(raw)
    except Rejected as refusal:
        return refusal.code, refusal.detail
    return said


@given(STATIONS, SUBJECTS, TIMES, NUMBERS, st.sampled_from([CONTENT_TYPE, CAPTURED]))
def test_any_statement_is_read_as_it_is_part_by_part(
    station: str, subject: str, iat_s: int, seq: int, content_type: str
) -> None:
    raw = statement(station=station, subject=subject, iat_s=iat_s, seq=seq, content_type=content_type)
    assert outcome(read_scan_statement, raw) == outcome(read_any_scan_statement, raw)


@given(st.data())
@settings(max_examples=400)
def test_a_changed_statement_is_read_as_it_is_part_by_part(data: st.DataObject) -> None:
    raw = bytearray(statement(seq=data.draw(st.sampled_from([1, 5, 300])), content_type=data.draw(KINDS)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        cut = data.draw(st.integers(0, 2))
        raw[at : at + cut] = data.draw(st.binary(max_size=2))
    assert outcome(read_scan_statement, bytes(raw)) == outcome(read_any_scan_statement, bytes(raw))


def test_every_single_byte_of_a_statement_counts_as_it_does_part_by_part() -> None:
    raw = statement()
    tried = (
        raw[:at] + bytes([value]) + raw[at + 1 :] for at in range(len(raw)) for value in (0, 0x18, 0x58, 0x78, 0xFF)
    )
    shifted = (
        raw[:at] + bytes([(raw[at] + step) % 256]) + raw[at + 1 :] for at in range(len(raw)) for step in (1, 3, 255)
    )
    for changed in (*tried, *shifted):
        assert outcome(read_scan_statement, changed) == outcome(read_any_scan_statement, changed), changed.hex()


@pytest.mark.parametrize("signer", [SIGNER, new_signer(ES256)])
@pytest.mark.parametrize("seq", [1, 23, 24, 255, 256, 65_536, 2**32 - 1])
@pytest.mark.parametrize("content_type", [CONTENT_TYPE, CAPTURED])
def test_what_stations_write_has_the_plain_form(signer: SoftwareSigner, seq: int, content_type: str) -> None:
    raw = statement(seq=seq, content_type=content_type, signer=signer)
    assert read_plain(raw) == cose.parse(raw)


def test_what_has_another_form_is_left_to_be_read_part_by_part() -> None:
    raw = cose.parse(statement()).with_unprotected({394: [b"receipt"]}).raw
    assert read_plain(raw) is None
    assert read_scan_statement(raw) == read_any_scan_statement(raw)
