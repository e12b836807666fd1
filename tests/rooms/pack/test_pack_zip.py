"""The zip: one way to write it, and a reader that takes nothing else."""

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.investigation.pack import archive as pack_zip
from custody.investigation.pack.archive import NAME, read_zip, write_zip
from custody.kernel.errors import Rejected

SMALL = {"a.json": b"{}\n", "entries/000000000001.cose": b"\xd2\x84", "empty": b""}
NAMES = st.from_regex(NAME, fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(files=st.dictionaries(NAMES, st.binary(max_size=60), min_size=1, max_size=6))
def test_what_is_written_is_read_back(files: dict[str, bytes]) -> None:
    assert read_zip(write_zip(files)) == files


@settings(max_examples=60, deadline=None)
@given(files=st.dictionaries(NAMES, st.binary(max_size=60), min_size=1, max_size=6), rng=st.randoms())
def test_the_same_files_in_any_order_make_the_same_bytes(files: dict[str, bytes], rng: object) -> None:
    names = list(files)
    rng.shuffle(names)  # type: ignore[attr-defined]  # hypothesis hands over a random.Random
    assert write_zip({name: files[name] for name in names}) == write_zip(files)


def test_other_peoples_tools_read_it() -> None:
    with zipfile.ZipFile(io.BytesIO(write_zip(SMALL))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == SMALL
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_every_bit_of_a_zip_counts() -> None:
    raw = write_zip(SMALL)
    for position in range(len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[position] ^= 1 << bit
            with pytest.raises(Rejected) as refused:
                read_zip(bytes(flipped))
            assert refused.value.code == "pack_zip"


def test_every_cut_and_every_addition_is_refused() -> None:
    raw = write_zip(SMALL)
    for cut in range(len(raw)):
        with pytest.raises(Rejected):
            read_zip(raw[:cut])
    for longer in (raw + b"\0", b"\0" + raw, raw + raw):
        with pytest.raises(Rejected):
            read_zip(longer)


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "/abs",
        "a/../b",
        "a//b",
        "a\\b",
        ".hidden",
        "a/.b",
        "",
        "a b",
        "é",
        "a" * 130,
        "a/b/c/d/e",
        "-rf",
        "c:x",
    ],
)
def test_a_name_that_climbs_hides_or_misleads_is_refused(name: str) -> None:
    with pytest.raises(Rejected):
        write_zip({name: b""})
    spelled = name.encode()[:100] or b"\0"
    hostile = write_zip({"a" * len(spelled): b""}).replace(b"a" * len(spelled), spelled)
    if hostile != write_zip({"a" * len(spelled): b""}):
        with pytest.raises(Rejected):
            read_zip(hostile)


def test_a_name_that_stands_twice_is_refused() -> None:
    raw = write_zip({"aa": b"1", "ab": b"2"}).replace(b"ab", b"aa")
    with pytest.raises(Rejected, match="twice"):
        read_zip(raw)


def test_a_zip_from_elsewhere_is_refused_even_with_the_same_files() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for name, content in SMALL.items():
                archive.writestr(name, content)
        with pytest.raises(Rejected):
            read_zip(buffer.getvalue())


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
def test_more_files_than_the_end_of_a_zip_counts_are_read_by_other_peoples_tools_too(count: int) -> None:
    files = {f"entries/{number:012d}": b"%d" % number for number in range(count)}
    raw = write_zip(files)
    assert read_zip(raw) == files
    assert (b"PK\x06\x07" in raw) == (count >= 65_535), "what the end of a zip counts is written as it ever was"
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.namelist() == sorted(files)
        assert archive.read("entries/000000065533") == b"65533"


def test_every_bit_of_an_end_that_counts_further_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_zip, "_UNCOUNTED", 3)
    test_every_bit_of_a_zip_counts()
    test_every_cut_and_every_addition_is_refused()


def test_an_end_that_counts_further_than_it_must_is_refused() -> None:
    raw = write_zip(SMALL)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pack_zip, "_UNCOUNTED", 3)
        further = write_zip(SMALL)
    assert len(further) > len(raw)
    for hostile in (further, further[:-22] + raw[-22:]):
        with pytest.raises(Rejected):
            read_zip(hostile)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 10_000_000)
    with pytest.raises(Rejected, match="compressed"):
        read_zip(buffer.getvalue())


def test_files_that_share_their_bytes_are_refused() -> None:
    raw = bytearray(write_zip({"aa": b"x" * 50, "ab": b"x" * 50}))
    second = raw.index(b"ab", raw.index(b"PK\x01\x02"))
    struct.pack_into("<I", raw, second - 4, 0)
    with pytest.raises(Rejected):
        read_zip(bytes(raw))
    lengths = bytearray(write_zip({f"a{number}": b"" for number in range(9)}))
    for number in range(9):
        at = lengths.index(b"a%d" % number, lengths.index(b"PK\x01\x02")) - 46
        struct.pack_into("<II", lengths, at + 20, 200, 200)
    with pytest.raises(Rejected, match=r"overlap|not whole"):
        read_zip(bytes(lengths))


def test_too_many_and_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write_zip(SMALL)
    with pytest.raises(Rejected):
        write_zip({})
    monkeypatch.setattr(pack_zip, "MAX_FILES", 2)
    with pytest.raises(Rejected, match="too many") as refused:
        read_zip(raw)
    assert "the log itself shows" in refused.value.fix, "to ask again for a pack that is too large gives no other one"
    monkeypatch.setattr(pack_zip, "MAX_FILES", 3)
    monkeypatch.setattr(pack_zip, "MAX_PACK_BYTES", 4)
    with pytest.raises(Rejected, match="larger"):
        read_zip(raw)
    with pytest.raises(Rejected, match="larger"):
        write_zip(SMALL)


@settings(max_examples=150, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes_are_refused_and_nothing_else_is_raised(raw: bytes) -> None:
    for hostile in (raw, b"PK\x03\x04" + raw, raw + b"PK\x05\x06" + raw[:18].ljust(18, b"\0")):
        with pytest.raises(Rejected):
            read_zip(hostile)
