"""What verifiers attest of the checks of recipients that scans record.

An attestation speaks of a scan by its digest. It counts if the verifier's key was valid where the log holds it, the
verifier is of another firm than the station that signed the scan, and the scan records a check of that kind: nobody
vouches for a firm's scan within the firm. What comes before its scan waits for it in the log.

Nobody is convicted on a disputed check. Where all that count say held, it is verified; where all say refuted, it counts
for nothing; where one verifier contradicts another, or itself, it stays what it was, a recorded one, and that is said.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custody.gs1.canonical import canonical
from custody.gs1.keys import ROOT
from custody.kernel.clock import Instant
from custody.trail.marks import read_marks
from custody.trail.sealed import SealedScan

_PGLN = f"{ROOT}417/"
_COMPONENTS = re.compile(r"[?#].*")

Checks = Mapping[bytes, bool | None]
"""By the digest of a scan, whether its check was verified (True) or refuted (False); None: both was said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """One attestation in the log.

    `doubted_at`: the entry from which on it counts for nothing, as its key was revoked; its own index if that key's
    word never counted there, and None as long as it counts.
    """

    index: int
    received_ms: Instant
    verifier: str
    custodian: str
    scan: bytes
    check: str
    held: bool
    doubted_at: int | None = None


def checks_of(scans: Iterable[SealedScan], attested: Iterable[Attested]) -> dict[bytes, bool | None]:
    """What the attestations come to, for those of these scans of which any counts."""
    said: dict[bytes, list[Attested]] = {}
    for each in attested:
        said.setdefault(each.scan, []).append(each)
    found: dict[bytes, bool | None] = {}
    for sealed in scans:
        counting = [each for each in said.get(sealed.digest, ()) if each.doubted_at is None]
        words = {each.held for each in counting if why_not(sealed, each) is None}
        if words:
            found[sealed.digest] = words.pop() if len(words) == 1 else None
    return found


def doubted_at(index: int, *, added: int, revoked: int | None, suspect_from: int | None) -> int | None:
    """From which entry on an attestation at `index` counts for nothing, by the life of its key; None: it counts."""
    if index <= added or (revoked is not None and index >= revoked):
        return index
    return revoked if revoked is not None and suspect_from is not None and index >= suspect_from else None


def why_not(sealed: SealedScan, attested: Attested) -> str | None:
    """Why an attestation says nothing of this scan, whatever the key is worth; None if it fits."""
    check = read_marks(sealed.event).check
    if check is None:
        return "the scan records no check of a recipient"
    if check.method != attested.check:
        return f"the scan records a check of the kind {check.method!r}, and not {attested.check!r}"
    if _firm(sealed.station.custodian) == _firm(attested.custodian):
        return "the verifier is of the firm whose station signed the scan"
    return None


def _firm(custodian: str) -> str:
    """By what a firm is known, however it is spelt (RFC 8141 section 3.1); in doubt two are the same.

    Nothing in a foreign key says that its check digit is right: two that differ in it alone are one firm.
    """
    uri = canonical(_COMPONENTS.sub("", custodian).lower()).uri
    return uri[:-1] if uri.startswith(_PGLN) else uri
