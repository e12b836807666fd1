"""The zip of an evidence pack: one way to write it, so that every byte counts.

Files stand in the order of their names, stored without compression (APPNOTE 6.3.10: method 0), dated 1980-01-01, with
no flags, no extra fields, no comments and no gaps. So the same files make the same bytes on every machine, whatever its
zlib, and a pack cannot be larger inside than it is outside. From 65,535 files on, which the end of a zip cannot count,
a ZIP64 end with its locator stands before that end and counts them (APPNOTE 4.3.14 to 4.3.16); a smaller pack has none.

A parcel has as many scans as somebody makes of it, each with three files of 1 KiB or less. So what bounds a pack is
what a reader can hold, and the files are as many as its bytes allow at that size. Earlier checkers refuse a pack of
more than 20,000 files.

The reader takes exactly that: it finds the files through the central directory, refuses what is out of bounds, and then
writes them again; any other byte anywhere refuses the pack. Names are lower-case letters, digits, dots, dashes and
underscores, in folders that none can climb out of.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping

from custody.kernel.errors import Rejected

MAX_PACK_BYTES = 256 * 1024 * 1024
MAX_FILES = MAX_PACK_BYTES // 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}(/[A-Za-z0-9][A-Za-z0-9._-]{0,119}){0,3}", re.ASCII)

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END64_MARK, _LOCATOR_MARK = b"PK\x06\x06", b"PK\x06\x07"
_UNCOUNTED = 0xFFFF
_VERSION, _VERSION64 = 20, 45
_STORED = 0
_NO_TIME, _FIRST_DAY = 0, (1 << 5) | 1
_UNIX, _PLAIN_FILE = 3 << 8, 0o100644 << 16


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """The archive of some files; raises `Rejected("pack_zip")` for a name or a size that no reader takes."""
    _check_count(len(files))
    local, central = bytearray(), bytearray()
    for name in sorted(files):
        if not NAME.fullmatch(name):
            raise _refused(f"{name[:100]!r} is not a name of a file")
        content, spelled = files[name], name.encode("ascii")
        sizes = (zlib.crc32(content), len(content), len(content), len(spelled))
        head = (_VERSION, 0, _STORED, _NO_TIME, _FIRST_DAY, *sizes, 0)
        central += _CENTRAL.pack(_CENTRAL_MARK, _UNIX | _VERSION, *head, 0, 0, 0, _PLAIN_FILE, len(local)) + spelled
        local += _LOCAL.pack(_LOCAL_MARK, *head) + spelled + content
        if len(local) > MAX_PACK_BYTES:
            raise _too_large()
    return b"".join((local, central, _end(len(files), len(central), len(local))))


def read_zip(raw: bytes) -> dict[str, bytes]:
    """The files of an archive by name; raises `Rejected("pack_zip")` for anything `write_zip` would not write."""
    if len(raw) > 2 * MAX_PACK_BYTES:
        raise _too_large()
    files: dict[str, bytes] = {}
    for name, content in _entries(raw):
        if name in files:
            raise _refused(f"{name} stands in it twice")
        files[name] = content
    if write_zip(files) != raw:
        raise _refused("it holds bytes that a pack has not; somebody wrote it anew or changed it")
    return files


def _entries(raw: bytes) -> Iterator[tuple[str, bytes]]:
    start, count = _directory(raw)
    at, total = start, 0
    for _ in range(count):
        if at + _CENTRAL.size > len(raw):
            raise _refused("its directory is cut off")
        mark, _, _, flags, method, _, _, check, packed, length, spelled, *_, offset = _CENTRAL.unpack_from(raw, at)
        name = raw[at + _CENTRAL.size : at + _CENTRAL.size + spelled].decode("latin-1")
        if mark != _CENTRAL_MARK or not NAME.fullmatch(name):
            raise _refused(f"{name[:100]!r} is not a name of a file")
        if flags or method != _STORED or packed != length:
            raise _refused(f"{name} is compressed or encrypted")
        total += length
        if total > start:
            raise _refused("its files overlap")
        begin = offset + _LOCAL.size + spelled
        content = raw[begin : begin + length]
        if begin + length > start or zlib.crc32(content) != check:
            raise _refused(f"{name} is not whole")
        yield name, content
        at += _CENTRAL.size + spelled


def _end(count: int, size: int, start: int) -> bytes:
    """What follows a directory of that count and size."""
    told = min(count, _UNCOUNTED)
    end = _END.pack(_END_MARK, 0, 0, told, told, size, start, 0)
    if told < _UNCOUNTED:
        return end
    rest = _END64.size - 12  # without its mark and this length
    more = (rest, _UNIX | _VERSION64, _VERSION64, 0, 0, count, count, size, start)
    return _END64.pack(_END64_MARK, *more) + _LOCATOR.pack(_LOCATOR_MARK, 0, start + size, 1) + end


def _directory(raw: bytes) -> tuple[int, int]:
    """Where the directory begins, and how many files it lists."""
    if len(raw) < _END.size or not raw[-_END.size :].startswith(_END_MARK):
        raise _refused("it does not end as a zip without a comment ends; it is cut off or no zip")
    _, _, _, _, count, size, start, _ = _END.unpack(raw[-_END.size :])
    after = start + size
    if count == _UNCOUNTED and after + _END64.size <= len(raw):
        *_, count, _, _ = _END64.unpack_from(raw, after)
    _check_count(count)
    if raw[after:] != _end(count, size, start):
        raise _refused("its directory is not where its end says")
    return start, count


def _check_count(count: int) -> None:
    if not 0 < count <= MAX_FILES:
        raise _too_much(f"{count:,} files are none or too many; it has {MAX_FILES:,} at most")


def _too_large() -> Rejected:
    return _too_much(f"it is larger than {MAX_PACK_BYTES:,} bytes")


def _too_much(why: str) -> Rejected:
    """For whoever checks a pack, and for whoever wanted one of a case with more evidence than a pack holds."""
    return Rejected("pack_zip", f"not an evidence pack: {why}", fix="What a pack cannot hold, the log itself shows.")


def _refused(why: str) -> Rejected:
    return Rejected("pack_zip", f"not an evidence pack: {why}", fix="Ask for the pack again as it was exported.")
