"""VERIFY.txt: how to check a pack with one command, and by hand with tools that we did not write."""

from custody.investigation.pack.batches import scan_stem
from custody.investigation.pack.entries import PackEntry, stem
from custody.scans.batch import BATCH
from custody.scans.scan import SCANS

FILE = "VERIFY.txt"

_TEXT = """HOW TO CHECK THIS PACK

With one command, offline:

    weaklink verify PACK.zip
    weaklink verify PACK.zip --vkey '{vkey}'

Take the vkey from somebody else than the sender of the pack: the log itself, a carrier, a witness. The one above is
only what this pack says. The command checks that every byte is as exported, that the log's key signed the head, that
every entry is in the log at its place, who was allowed to sign what, every signature, and that the trail, the
probabilities and the report follow from the signed records.

By hand, with E standing for {entry} or any other entry:

1. The files. manifest.json lists all but itself and seal.json:
       sha256sum entries/*
2. An entry is a COSE_Sign1 message (RFC 9052), E.cose. Beside it, where it is given, lies its opening: 32 bytes of
   salt and then the content. The statement's payload is the SHA-256 of the opening:
       sha256sum E.opening
       tail -c +33 E.opening
3. A scan's receipt (RFC 9942), with the public tool scitt-cose; the keys are in keys/:
       scitt-cose --statement E.cose --statement-pubkey keys/STATION.pem \\
         --receipt E.receipt --receipt-log-pubkey keys/log.pem \\
         --leaf-entry-hex "$(xxd -p E.cose | tr -d '\\n')"
4. An entry's place: E.tlog-proof is a C2SP tlog-proof against the signed head in checkpoint.note. The leaf is the
   SHA-256 of a zero byte and the entry; the rest is RFC 9162 section 2.1.3.2.
5. The head: checkpoint.note is a C2SP checkpoint. The name and key of the log stand in the vkey.
6. Times: witnessed/H.note is a checkpoint that a station had seen cosigned. A scan whose event names H, the SHA-256 of
   that file, as ni:///sha-256;<H in base64url> is younger than its cosignatures, and older than those of
   checkpoint.note. Station clocks are only a claim.
7. The export itself: seal.json holds the record that the service wrote into the log when it made this pack, with the
   SHA-256 of manifest.json in it.

What a pack cannot show: entries of the log that it does not hold. Whoever doubts that a revocation, a policy or a scan
was left out reads the log itself. And dispute.json is the service's own file: the log holds the steps of its timeline,
while the words, promises and messages in it stand as they were when the pack was sealed.
"""

_BATCHES = """
Batches. An entry whose label 3 is {batch} is one statement over
many scans; its payload is the root of a tree over their leaves (RFC 9162 section 2.1). With E standing for
{scan} and P for the position after its last dot, E.leaf is the leaf of one scan; its last member is the SHA-256 of
E.opening. E.receipt is the station's receipt (RFC 9942) that the leaf lies under the root; B stands for the same name
without .P:
       scitt-cose --statement B.cose --statement-pubkey keys/STATION.pem \\
         --receipt E.receipt --receipt-log-pubkey keys/STATION.pem \\
         --leaf-entry-hex "$(xxd -p E.leaf | tr -d '\\n')"
"""


def write_howto(vkey: str, entries: tuple[PackEntry, ...]) -> dict[str, bytes]:
    """The file; its examples are about a scan of this pack."""
    shown = [entry for entry in entries if entry.content_type in SCANS and entry.opening is not None]
    example = stem((shown or list(entries))[0].index)
    text = _TEXT.format(vkey=vkey, entry=example)
    inside = [scan_stem(entry.index, scan.position) for entry in entries for scan in entry.scans]
    if inside:
        text += _BATCHES.format(batch=BATCH, scan=inside[0])
    return {FILE: text.encode()}
