"""Step 5, attestations.

Each is signed by a key that a registrar enrolled for that verifier, and its opening is what was signed. Whether its
word counts there, and whether its scan is here, is said; what all of them come to is for the trail.
"""

from custody.investigation.pack.attested import attestations, check_statement, read_attested
from custody.investigation.pack.batches import opened_scans
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.verification import Notebook
from custody.kernel.errors import NotFound, Rejected
from custody.ledger.registry import Registry


def check_attestations(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """What verifiers signed; what is wrong or unchecked is noted."""
    held = attestations(pack.entries)
    if not held:
        return
    scans, sound = {opened.scan.digest for opened in opened_scans(pack.entries)}, 0
    for entry in held:
        where = f"entry {entry.index}"
        try:
            if entry.opening is None:
                check_statement(entry, registry)
                notes.says("what the verifier attests is not here; the signature stands", where)
                continue
            said = read_attested(entry, entry.opening, registry)
        except (Rejected, NotFound) as error:
            notes.fails(error.detail, where)
            continue
        sound += 1
        outcome = "held" if said.held else "was refuted"
        of_one = "" if said.scan in scans else ", of a scan that is not here or cannot be read"
        worth = "" if said.doubted_at is None else "; its key's word does not count here"
        whose = f"verifier {said.verifier} of {said.custodian}"
        notes.says(f"{whose} attests that the check {said.check!r} {outcome}{of_one}{worth}", where)
    if sound:
        notes.holds(f"{sound} attestations are signed by the verifiers that registrars enrolled, and open")
        notes.says("of which firm a verifier is, is its own word and the registrars'")
        notes.says("an attestation that the pack does not hold cannot be seen here; the log itself shows it")
