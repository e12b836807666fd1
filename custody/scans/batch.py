"""A batch: one statement of a station over up to 256 scans, each of which is provable alone.

- **Leaf** of a scan (`leaf.py`): `[iss, sub, seq, content type, SHA-256(opening)]`. The opening is the same as that
  of a plain scan, and erasable.
- **Tree**: RFC 9162 section 2.1 with SHA-256 over the leaves in the order of their numbers.
- **Statement**: COSE_Sign1. Protected header: 1 alg, 3 = `application/vnd.weaklink.scan-batch`, 4 kid (32 bytes,
  RFC 9679), 15 the claims (RFC 9597) and nothing else. Payload: the 32-byte root. Claims: 1 iss, 2 sub a random
  reference of the batch, 6 iat, "seq" the number of the first scan, "count" how many numbers the batch takes (2 to
  256), "prev" the digest of the station's statement before. A batch of one is a plain statement; there is none here.
- **Digest of a scan in a batch**: its leaf hash. It stands for the scan wherever a plain statement's digest would: in
  links between scans, in addresses, in answers. It is known before the batch is closed, so that a later scan of the
  same batch can name it; a name made of the batch's digest and a place could not be.
- **In the station's chain** a batch is one statement: what comes next has the number seq + count and names the batch's
  own digest, so that whoever reads the log alone can follow the chain.
- **Receipt** of one scan (RFC 9942, `kernel/receipt.py`): by the station, over the batch's root, with the batch's iss,
  sub and iat. One signature, the **seal**, serves the receipts of all. A receipt signs neither size nor index, so root
  and size are held against the statement, which signs both, and the index against the number in the leaf.

A station's receipt proves what the station said. That the log holds it is for the log's own proof of the batch.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from custody.kernel import cose
from custody.kernel.cose import Sign1
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from custody.kernel.merkle import HASH_BYTES, SmallTree
from custody.kernel.receipt import seal_root, sealed_receipt, verify_receipt
from custody.scans.content import read_content
from custody.scans.cwt_claims import CLAIMS, ISSUER_PREFIX, PREV, SEQ, SEQ_LIMIT, is_int, read_claims
from custody.scans.leaf import Leaf, name_leaf, read_leaf
from custody.scans.scan import CAPTURED, OPENING_LIMIT_BYTES, SALT_BYTES, STATEMENT_LIMIT_BYTES, Scan

BATCH = "application/vnd.weaklink.scan-batch"
COUNT = "count"
LEAST, MOST = 2, 256

_LABELS = frozenset({cose.ALG, cose.CONTENT_TYPE, cose.KID, cose.CWT_CLAIMS})
_SEAL_LABELS = frozenset({cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.VDS})
_SEAL_CLAIMS = frozenset({cose.ISS, cose.SUB, cose.IAT})


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStatement:
    """A batch's statement alone; its signature is not verified yet."""

    message: Sign1
    station: str
    subject: str
    first: int
    count: int
    prev: bytes | None
    iat_s: int
    root: bytes

    @property
    def last(self) -> int:
        """The number of the last scan."""
        return self.first + self.count - 1

    @property
    def digest(self) -> bytes:
        """The statement's name, which the station's next statement gives as the one before."""
        return self.message.digest


class BatchedScan(Scan, frozen=True, kw_only=True, gc=False):
    """A scan of a batch, beside its leaf; `message` is the batch's, `subject` the scan's own.

    `prev` is what the batch follows for its first scan, and the batch's own digest for the others.
    """

    leaf: Leaf

    @property
    def digest(self) -> bytes:
        """The scan's name everywhere: its leaf hash."""
        return self.leaf.digest

    @property
    def content_type(self) -> str:
        """What the opening holds: an event of the station's own, or a captured one."""
        return self.leaf.content_type

    @property
    def position(self) -> int:
        """Its place in the batch, from 0."""
        return self.seq - int(self.message.claims[SEQ])


class HandedScan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scan of a batch as it is handed over: what its leaf cannot be made without."""

    subject: str
    content_type: str
    opening: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch with all its leaves; where an opening holds no event, the reason stands in place of the scan."""

    statement: BatchStatement
    leaves: tuple[Leaf, ...]
    openings: tuple[bytes, ...]
    tree: SmallTree
    scans: tuple[BatchedScan | Rejected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """A batch with the station's seal, as it is handed in. Neither signature is verified yet."""

    batch: Batch
    seal: bytes

    @property
    def statement(self) -> BatchStatement:
        """The batch's statement."""
        return self.batch.statement

    @property
    def scans(self) -> tuple[BatchedScan, ...]:
        """The scans that can be read."""
        return tuple(scan for scan in self.batch.scans if isinstance(scan, BatchedScan))


def make_batch(leaves: Sequence[Leaf], *, subject: str, prev: bytes | None, iat_s: int, signer: Signer) -> bytes:
    """The statement over these leaves, in order; raises `Rejected` unless they are one station's, without a gap."""
    _check_run(leaves)
    first = leaves[0]
    claims: dict[int | str, Any] = {
        cose.ISS: ISSUER_PREFIX + first.station,
        cose.SUB: subject,
        cose.IAT: iat_s,
        SEQ: first.seq,
        COUNT: len(leaves),
    }
    if prev is not None:
        claims[PREV] = prev
    root = SmallTree.of(leaf.digest for leaf in leaves).root
    statement = cose.sign({cose.CONTENT_TYPE: BATCH, cose.CWT_CLAIMS: claims}, root, signer)
    read_batch(statement)
    return statement


def seal_batch(batch: BatchStatement, signer: Signer) -> bytes:
    """The station's one signature under the receipts of all scans of the batch."""
    return seal_root(batch.root, signer, iss=ISSUER_PREFIX + batch.station, sub=batch.subject, iat_s=batch.iat_s).raw


def give_receipt(tree: SmallTree, position: int, seal: bytes) -> bytes:
    """The receipt of one scan, from the batch's tree and its seal."""
    return sealed_receipt(cose.parse(seal), size=tree.size, index=position, path=tree.path(position))


def read_batch(statement: bytes) -> BatchStatement:
    """The batch's statement; raises `Rejected`. The caller still has to verify the signature with the log's key."""
    if len(statement) > STATEMENT_LIMIT_BYTES:
        raise Rejected(
            "too_large", f"the statement is {len(statement)} bytes long", fix=f"Keep to {STATEMENT_LIMIT_BYTES} bytes."
        )
    message = cose.parse(statement)
    if message.unprotected:
        message = message.with_unprotected({})
    header = message.protected
    # 1. The header says that it is a batch, and nothing else.
    if header.keys() != _LABELS or not all(is_int(label) for label in header):
        raise _wrong("the protected header does not hold exactly labels 1, 3, 4 and 15")
    if header[cose.CONTENT_TYPE] != BATCH:
        raise _wrong(f"label 3 is not {BATCH}")
    if len(message.kid) != 32:
        raise _wrong("kid (label 4) is not the 32-byte key thumbprint of RFC 9679")
    # 2. The payload is a root.
    if message.payload is None or len(message.payload) != HASH_BYTES:
        raise _wrong("the payload is not a 32-byte root")
    # 3. The claims, and the numbers that it takes.
    claims = read_claims(message.claims, names=CLAIMS | {COUNT}, wrong=_wrong)
    count = message.claims.get(COUNT)
    if not is_int(count) or not LEAST <= count <= MOST or claims.seq + count > SEQ_LIMIT:
        raise _wrong(f"count is not a whole number from {LEAST} to {MOST}; a batch of one is a plain statement")
    return BatchStatement(
        message=message,
        station=claims.station,
        subject=claims.subject,
        first=claims.seq,
        count=count,
        prev=claims.prev,
        iat_s=claims.iat_s,
        root=message.payload,
    )


def open_batch(statement: bytes, items: Iterable[HandedScan]) -> Batch:
    """The whole batch; raises `Rejected` unless the signed root is that of these items. An item may hold no event.

    What stands in an opening is each scan's own matter: one that cannot be read takes its number and hides no other.
    """
    batch, given = read_batch(statement), tuple(items)
    # 1. All of them are there, each under a salt of its own.
    if len(given) != batch.count:
        raise _wrong(f"it takes {batch.count} numbers and comes with {len(given)} openings")
    if len({item.opening[:SALT_BYTES] for item in given}) < len(given):
        raise Rejected("opening", "two openings of one batch share their salt", fix="Draw 32 random bytes for each.")
    # 2. The root over their leaves is the one that was signed.
    leaves = tuple(
        name_leaf(
            station=batch.station,
            subject=item.subject,
            seq=seq,
            content_type=item.content_type,
            commitment=hashlib.sha256(item.opening).digest(),
        )
        for seq, item in enumerate(given, batch.first)
    )
    tree = SmallTree.of(leaf.digest for leaf in leaves)
    if tree.root != batch.root:
        raise Rejected("opening", "the openings are not those that were signed", fix="Send those made with the batch.")
    # 3. What each of them says.
    scans = tuple(_try_open(batch, leaf, item.opening) for leaf, item in zip(leaves, given, strict=True))
    openings = tuple(item.opening for item in given)
    return Batch(statement=batch, leaves=leaves, openings=openings, tree=tree, scans=scans)


def open_leaf(batch: BatchStatement, leaf: Leaf, opening: bytes) -> BatchedScan:
    """One scan of a batch that is known to hold this leaf; raises `Rejected` unless the opening is the leaf's."""
    if hashlib.sha256(opening).digest() != leaf.commitment:
        raise Rejected("opening", "the opening is not what was signed", fix="Send the opening made with the leaf.")
    return _open(batch, leaf, opening)


def check_seal(batch: Batch, seal: bytes, key: PublicKey) -> None:
    """Return if receipts made from the seal will verify; raises `Rejected` if not."""
    message = cose.parse(seal)
    if message.unprotected:
        raise _wrong("the seal has an unprotected header; receipts bring their own")
    # It is kept for ever, with every word in it.
    if message.protected.keys() != _SEAL_LABELS or message.claims.keys() != _SEAL_CLAIMS:
        raise _wrong("the seal holds other labels than 1, 4, 15 and 395, or other claims than 1, 2 and 6")
    _check_receipt(batch.statement, batch.leaves[0], give_receipt(batch.tree, 0, seal), key)


def verify_leaf(statement: bytes, leaf: bytes, receipt: bytes, key: PublicKey) -> tuple[BatchStatement, Leaf]:
    """One scan alone, its opening not at hand: the station signed a batch with this leaf at the place it names.

    Raises `Rejected` unless all of it holds. Whether `key` was this station's then is for the log to say.
    """
    batch, read = read_batch(statement), read_leaf(leaf)
    batch.message.verify(key)
    _check_receipt(batch, read, receipt, key)
    return batch, read


def verify_scan(statement: bytes, leaf: bytes, opening: bytes, receipt: bytes, key: PublicKey) -> BatchedScan:
    """One scan alone: as `verify_leaf`, and the opening is what the leaf commits to and holds an event."""
    batch, read = verify_leaf(statement, leaf, receipt, key)
    return open_leaf(batch, read, opening)


def _check_receipt(batch: BatchStatement, leaf: Leaf, receipt: bytes, key: PublicKey) -> None:
    # 1. The leaf names this station and one of the numbers that the batch takes.
    if leaf.station != batch.station or not batch.first <= leaf.seq <= batch.last:
        raise _wrong("the leaf is another station's, or its number is not one of the batch's")
    # 2. The receipt leads from the leaf to a root that the key signed.
    proven = verify_receipt(receipt, leaf.raw, key)
    # 3. Root and size are those that the statement signs, and so the place is the one that the number says.
    place = (batch.root, batch.count, leaf.seq - batch.first)
    if (proven.root, proven.size, proven.index) != place:
        raise Rejected("receipt", "the receipt is for another batch or another place", fix="Ask the station again.")
    # 4. It speaks in the batch's name.
    if (proven.issuer, proven.subject, proven.iat_s) != (ISSUER_PREFIX + batch.station, batch.subject, batch.iat_s):
        raise Rejected("receipt", "the receipt's claims are not the batch's", fix="Ask the station again.")


def _check_run(leaves: Sequence[Leaf]) -> None:
    if not LEAST <= len(leaves) <= MOST:
        raise _wrong(f"it holds {len(leaves)} scans and not {LEAST} to {MOST}; sign one scan by itself")
    first = leaves[0]
    if [(leaf.station, leaf.seq) for leaf in leaves] != [
        (first.station, seq) for seq in range(first.seq, first.seq + len(leaves))
    ]:
        raise _wrong("the leaves are not one station's, numbered without a gap")
    if len({leaf.commitment for leaf in leaves}) < len(leaves):
        raise _wrong("two scans have one opening")


def _open(batch: BatchStatement, leaf: Leaf, opening: bytes) -> BatchedScan:
    if not SALT_BYTES < len(opening) <= OPENING_LIMIT_BYTES:
        raise Rejected(
            "opening", "the opening holds no event, or is too long", fix="Send 32 bytes of salt and an event."
        )
    return BatchedScan(
        message=batch.message,
        station=batch.station,
        subject=leaf.subject,
        seq=leaf.seq,
        prev=batch.prev if leaf.seq == batch.first else batch.digest,
        iat_s=batch.iat_s,
        opening=opening,
        event=read_content(opening[SALT_BYTES:], captured=leaf.content_type == CAPTURED),
        leaf=leaf,
    )


def _try_open(batch: BatchStatement, leaf: Leaf, opening: bytes) -> BatchedScan | Rejected:
    try:
        return _open(batch, leaf, opening)
    except Rejected as refusal:
        return refusal


def _wrong(why: str) -> Rejected:
    return Rejected("batch", f"not a batch of scans: {why}", fix="Build it by the format of custody/scans/batch.py.")
