"""Proofs of one entry: a fresh COSE receipt (RFC 9942), and a `.tlog-proof` (C2SP tlog-proof).

Both are against the newest checkpoint that the working quorum of witnesses cosigned, where that covers the entry, and
else against the newest that the log signed. A receipt carries no witness's line: whoever judges by it looks up the
cosigned checkpoint of its size and root. A proof carries their lines itself.
"""

from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.kernel.keys import Signer
from custody.kernel.receipt import make_receipt
from custody.ledger.checkpoint import parse_checkpoint
from custody.ledger.note import parse_note
from custody.ledger.proof import make_proof
from custody.store import log_reader, witness_book
from custody.store.log_reader import StoredEntry


def fresh_receipt(session: Session, stored: StoredEntry, *, origin: str, signer: Signer) -> bytes:
    """The receipt of an entry in the tree as it stands."""
    note, at_ms = _shown(session, max(stored.idx, 1))  # a tree of one leaf has no receipt
    checkpoint = parse_checkpoint(parse_note(note).text)
    return make_receipt(
        size=checkpoint.size,
        index=stored.idx,
        path=log_reader.prove_inclusion(session, stored.idx, checkpoint.size),
        root=checkpoint.root,
        signer=signer,
        iss=f"urn:weaklink:operator:{origin}",
        sub=f"urn:weaklink:entry:{stored.digest.hex()}",
        iat_s=at_ms // 1000,
    )


def proof_file(session: Session, stored: StoredEntry) -> bytes:
    """The `.tlog-proof` of an entry."""
    note, _ = _shown(session, stored.idx)
    size = parse_checkpoint(parse_note(note).text).size
    return make_proof(index=stored.idx, path=log_reader.prove_inclusion(session, stored.idx, size), note=note)


def _shown(session: Session, index: int) -> tuple[bytes, Instant]:
    """The checkpoint to prove an entry against, whose tree goes beyond `index`, and since when it stands."""
    cosigned = witness_book.newest(session)
    if cosigned is not None and cosigned.size > index:
        return cosigned.note, cosigned.at_ms
    head = log_reader.head(session)
    return head.note, head.signed_ms
