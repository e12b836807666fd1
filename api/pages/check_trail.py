"""Is the chain whole? Every scan of a trail is checked again, from the bytes that were signed to the signed head.

1. The statement verifies under the key that was enrolled for its station.
2. The opening is what was signed; a scan of a batch has the station's receipt, under the root that was signed.
3. The entry leads to the root of the newest signed checkpoint (RFC 9162 section 2.1.3).
4. Where two neighbouring statements of one station are both here, the later one names the earlier.

Nobody has to take the console's word: an evidence pack holds the same and is checked offline.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from sqlmodel import Session

from custody.kernel import cbor, cose
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, read_cose_key
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.merkle import leaf_hash, verify_inclusion
from custody.ledger.note import Ed25519Verifier, text_key
from custody.scans.batch import verify_leaf
from custody.store import log_reader, scan_book
from custody.trail.sealed import SealedScan
from custody.usecases.open_scans import StoredScan, stored_scans


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailBreak:
    """Where the chain breaks, and how."""

    index: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the check found: how many scans, against which head, and every break."""

    scans: int
    size: int
    signed_ms: Instant
    root: str
    breaks: tuple[TrailBreak, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.breaks


def check_trail(session: Session, scans: Iterable[SealedScan], *, origin: str, log_key: PublicKey) -> Checked:
    """Check every scan; raises `Rejected` only if the signed head itself is wrong."""
    sealed = {scan.place: scan for scan in scans}
    head = log_reader.head(session)
    checkpoint = open_checkpoint(head.note, Ed25519Verifier(key=text_key(origin, log_key)))
    stored = stored_scans(session, sealed)
    rows = scan_book.station_keys(session, {scan.scan.message.kid for scan in sealed.values()})
    keys = {kid: read_cose_key(cbor.decode(row.cose_key)) for kid, row in rows.items()}
    breaks = [
        TrailBreak(index=scan.entry.idx, why=why)
        for scan in stored.values()
        if (why := _entry(session, scan, keys, size=checkpoint.size, root=checkpoint.root))
    ]
    return Checked(
        scans=len(stored),
        size=checkpoint.size,
        signed_ms=head.signed_ms,
        root=checkpoint.root.hex(),
        breaks=(*breaks, *_order(sealed.values())),
    )


def _entry(session: Session, stored: StoredScan, keys: dict[bytes, PublicKey], *, size: int, root: bytes) -> str:
    """What is wrong with one scan; empty if nothing is."""
    entry, inside = stored.entry, stored.inside
    try:
        path = log_reader.prove_inclusion(session, entry.idx, size)
        verify_inclusion(entry.idx, size, leaf_hash(entry.raw), path, root)
        message = cose.parse(entry.raw)
        key = keys.get(message.kid)
        if key is None:
            return "the key that signed it was never enrolled"
        message.verify(key)
        if inside is not None:
            verify_leaf(entry.raw, inside.leaf.raw, inside.receipt, key)
        stored.open()
    except Rejected as trouble:
        return trouble.detail
    return ""


def _order(scans: Iterable[SealedScan]) -> list[TrailBreak]:
    by_station: dict[str, list[SealedScan]] = defaultdict(list)
    for sealed in scans:
        by_station[sealed.scan.station].append(sealed)
    return [
        TrailBreak(index=after.index, why="it does not name the statement that its station made before it")
        for chain in by_station.values()
        for before, after in pairwise(sorted(chain, key=lambda sealed: sealed.scan.seq))
        if after.scan.seq == before.scan.seq + 1 and after.scan.prev != before.scan.link
    ]
