"""Proofs of one entry: a fresh COSE receipt (RFC 9942), and a `.tlog-proof` (C2SP tlog-proof).

The receipt is against the newest checkpoint that the log signed. The proof is against the newest one that the working
quorum of witnesses cosigned, where that covers the entry, because it then carries their lines too.
"""

from sqlmodel import Session

from custody.kernel.keys import Signer
from custody.ledger.checkpoint import parse_checkpoint
from custody.ledger.note import parse_note
from custody.ledger.proof import make_proof
from custody.ledger.receipt import make_receipt
from custody.store import log_reader, witness_book
from custody.store.log_reader import StoredEntry


def fresh_receipt(session: Session, stored: StoredEntry, *, origin: str, signer: Signer) -> bytes:
    """The receipt of an entry in the tree as it stands."""
    head = log_reader.head(session)
    return make_receipt(
        size=head.size,
        index=stored.idx,
        path=log_reader.prove_inclusion(session, stored.idx, head.size),
        root=head.root,
        signer=signer,
        iss=f"urn:weaklink:operator:{origin}",
        sub=f"urn:weaklink:entry:{stored.digest.hex()}",
        iat_s=head.signed_ms // 1000,
    )


def proof_file(session: Session, stored: StoredEntry) -> bytes:
    """The `.tlog-proof` of an entry."""
    cosigned = witness_book.newest(session)
    note = cosigned.note if cosigned and cosigned.size > stored.idx else log_reader.head(session).note
    size = parse_checkpoint(parse_note(note).text).size
    return make_proof(index=stored.idx, path=log_reader.prove_inclusion(session, stored.idx, size), note=note)
