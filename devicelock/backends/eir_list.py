"""A list of handsets for equipment identity registers: its rows, its two kinds of file, and how files are signed.

A file is CSV (RFC 4180, UTF-8, lines ended by LF, nothing quoted) with these columns; the names are ours, and each
operator maps them to its own:

| column | rule |
|---|---|
| imei | 15 digits with a right Luhn digit (3GPP TS 23.003 annex B); each at most once in a file, in rising order |
| status | BLACKLISTED or GREYLISTED; in a delta also WHITELISTED, which takes the handset off the list (TS 29.511) |
| reason | one closed word of `rules.command.Reason` |
| case | the order, 1 to 64 of `A-Z a-z 0-9 . _ -` |
| valid_from, valid_until | RFC 3339 in whole seconds with Z; the end is mandatory, at most 100 days after the start |
| seq | number of the delta that brought the row |

A **full** list of number n holds every row that stands after delta n; a **delta** holds what changed and is numbered
without gaps from 1. So full(n) = full(n-1) + delta(n). The end of a row is in the row: a register drops it by itself.

A signature is a detached COSE_Sign1 (RFC 9052 section 4.1) over the file's bytes: content type `text/csv`, claims
(RFC 9597) issuer, subject `urn:weaklink:eir`, time of issue, `seq` and `kind`. A reader takes a delta only if its
number is the next one.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

from custody.gs1.imei import imei_digits, imei_urn
from custody.kernel import cose
from custody.kernel.errors import Conflict, Rejected
from custody.kernel.keys import PublicKey, Signer
from devicelock.rules.command import HOLD_MAX_S, Reason
from devicelock.rules.topic import read_name

COLUMNS = ("imei", "status", "reason", "case", "valid_from", "valid_until", "seq")
SUBJECT = "urn:weaklink:eir"
MEDIA_TYPE = "text/csv"
MAX_SEQ = 2**53 - 1


class ImeiStatus(StrEnum):
    """The three words of TS 29.511."""

    WHITELISTED = "WHITELISTED"
    BLACKLISTED = "BLACKLISTED"
    GREYLISTED = "GREYLISTED"


class EirFileKind(StrEnum):
    """What a file holds."""

    FULL = "full"
    DELTA = "delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class EirEntry:
    """One row."""

    imei: str
    status: ImeiStatus
    reason: Reason
    case: str
    valid_from_s: int
    valid_until_s: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One file and its signature."""

    kind: EirFileKind
    seq: int
    raw: bytes
    signature: bytes

    @property
    def name(self) -> str:
        """The file's name; the signature's has `.cose` behind it."""
        return f"{self.seq:010d}-{self.kind}.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """By how many rows one file may change the list: a share of it, or `least` where the list is short."""

    permille: int = 100
    least: int = 20

    def allowed(self, rows: int) -> int:
        """By how many rows a list of so many may change."""
        return max(self.least, rows * self.permille // 1000)

    def check(self, *, before: int, after: int) -> None:
        """Raise `Conflict("eir_change")` if the list would shrink by more."""
        allowed = self.allowed(before)
        if before - after > allowed:
            raise Conflict(
                "eir_change",
                f"the list would go from {before} to {after} rows, and {allowed} is the most it may change by",
                fix="Find out why, or raise the limit by a decision of two people.",
            )


def read_imei(text: str) -> str:
    """The 15 digits of an IMEI in any form; raises `Rejected("imei")`."""
    return imei_digits(imei_urn(text))


def render(entries: Iterable[EirEntry]) -> bytes:
    """The bytes of a file; raises `Rejected` for a row against the rules."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONE)
    writer.writerow(COLUMNS)
    for entry in sorted(entries, key=lambda each: each.imei):
        _check(entry)
        times = (_time_text(entry.valid_from_s), _time_text(entry.valid_until_s))
        writer.writerow((entry.imei, entry.status, entry.reason, entry.case, *times, entry.seq))
    return out.getvalue().encode()


def parse(raw: bytes, *, kind: EirFileKind) -> list[EirEntry]:
    """The rows of a file, in order; raises `Rejected` for anything but bytes that `render` could have made."""
    try:
        lines = raw.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise _bad("it is not ASCII text") from error
    if lines[0] != ",".join(COLUMNS) or lines[-1]:
        raise _bad("its first line is not the columns, or its last line does not end")
    entries = [_read_row(line) for line in lines[1:-1]]
    if any(first.imei >= second.imei for first, second in pairwise(entries)):
        raise _bad("its IMEIs are not in rising order, each once")
    if kind is EirFileKind.FULL and any(entry.status is ImeiStatus.WHITELISTED for entry in entries):
        raise _bad("a full list names a handset that is not on it")
    return entries


def fold(entries: Mapping[str, EirEntry], delta: Iterable[EirEntry]) -> dict[str, EirEntry]:
    """The list after a delta."""
    after = dict(entries)
    for row in delta:
        if row.status is ImeiStatus.WHITELISTED:
            after.pop(row.imei, None)
        else:
            after[row.imei] = row
    return after


def publish(
    kind: EirFileKind, seq: int, entries: Iterable[EirEntry], *, issuer: str, at_s: int, signer: Signer
) -> Publication:
    """A signed file."""
    raw = render(entries)
    claims = {cose.ISS: issuer, cose.SUB: SUBJECT, cose.IAT: at_s, "seq": seq, "kind": str(kind)}
    signature = cose.sign({cose.CONTENT_TYPE: MEDIA_TYPE, cose.CWT_CLAIMS: claims}, raw, signer, detached=True)
    return Publication(kind=kind, seq=seq, raw=raw, signature=signature)


def open_publication(raw: bytes, signature: bytes, key: PublicKey) -> tuple[Publication, list[EirEntry]]:
    """The verified file and its rows; raises `Rejected`."""
    message = cose.parse(signature)
    message.verify(key, detached=raw)
    seq, kind = message.claims.get("seq"), message.claims.get("kind")
    if message.payload is not None or message.protected.get(cose.CONTENT_TYPE) != MEDIA_TYPE:
        raise _bad("the signature is not a detached one over CSV")
    if message.claims.get(cose.SUB) != SUBJECT or type(seq) is not int or not 1 <= seq <= MAX_SEQ:
        raise _bad("the signature is not one over a numbered IMEI list")
    if kind not in set(EirFileKind):
        raise _bad("the signature names no kind of file")
    entries = parse(raw, kind=EirFileKind(kind))
    if any(entry.seq > seq or (kind == EirFileKind.DELTA and entry.seq != seq) for entry in entries):
        raise _bad("a row has a number that its file cannot have")
    return Publication(kind=EirFileKind(kind), seq=seq, raw=raw, signature=signature), entries


def _read_row(line: str) -> EirEntry:
    parts = line.split(",")
    if len(parts) != len(COLUMNS):
        raise _bad(f"a row has {len(parts)} columns")
    imei, status, reason, case, valid_from, valid_until, seq = parts
    if status not in set(ImeiStatus) or reason not in set(Reason):
        raise _bad(f"{status!r} or {reason!r} is not a word of the list")
    if not (seq.isascii() and seq.isdigit()) or str(int(seq)) != seq:
        raise _bad(f"{seq!r} is not a number")
    entry = EirEntry(
        imei=imei,
        status=ImeiStatus(status),
        reason=Reason(reason),
        case=case,
        valid_from_s=_read_time(valid_from),
        valid_until_s=_read_time(valid_until),
        seq=int(seq),
    )
    _check(entry)
    return entry


def _check(entry: EirEntry) -> None:
    if len(entry.imei) != 15 or read_imei(entry.imei) != entry.imei:
        raise _bad(f"{entry.imei!r} is not 15 digits")
    read_name("case", entry.case)
    if not 0 <= entry.valid_from_s < entry.valid_until_s <= entry.valid_from_s + HOLD_MAX_S:
        raise _bad(f"the row of case {entry.case} does not end, or ends more than {HOLD_MAX_S} seconds on")
    if not 1 <= entry.seq <= MAX_SEQ:
        raise _bad("numbers start at 1")


def _time_text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_time(text: str) -> int:
    try:
        at_s = int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise _bad(f"{text!r} is not a time like 2026-05-11T08:12:30Z") from error
    if _time_text(at_s) != text:
        raise _bad(f"{text!r} is not a time like 2026-05-11T08:12:30Z")
    return at_s


def _bad(why: str) -> Rejected:
    return Rejected("eir_file", f"not an IMEI list of ours: {why}", fix="Fetch the file and its signature again.")
