"""What the entries of a log say, checked one after the other: form, signer, no repeats, each station's own chain.

Every entry is a COSE_Sign1 with attached payload and empty unprotected header, and no statement is in the log twice.
Statements of policy and keys are folded into the registry; whatever that ignores is reported. Any other statement is by
a station or a verifier, whose key must be valid at its index, or by the operator in force.

A station numbers its statements 1, 2, 3, ... (claim `seq`; a batch takes `count` numbers) and names the digest of the
one before (claim `prev`, absent in the first); `station_chain.py` holds each station to that.
"""

from array import array
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from custody.kernel import cose
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.key_standing import KeyStanding
from custody.ledger.registry import KINDS, Registry, fold
from custody.ledger.spellings import MAX_NUMBER
from custody.ledger.statements import STATION_ISS
from custody.ledger.station_chain import HALF, PLACE, Break, Chained, StationChain
from custody.ledger.verifiers import VERIFIER_ISS

SEQ = "seq"
PREV = "prev"
COUNT = "count"
MAX_COUNT = 256
MAX_KIND = 100


class About(StrEnum):
    """Whose fault a finding is: the log's, its witnesses', or that of somebody whose statement it faithfully holds."""

    LOG = "log"
    WITNESS = "witness"
    REGISTRY = "registry"
    STATEMENT = "statement"
    STATION = "station"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """Something that is wrong, at which entry (None: with the log as a whole)."""

    about: About
    code: str
    detail: str
    index: int | None = None


class Replay:
    """Takes the entries in order and keeps what later ones are checked against.

    `changes` are the statements of policy and keys, by index; `chains` the stations' by issuer; `others` the halves of
    the digests of all other statements with their indexes; `signed` where each station key was used; `kinds` how many
    entries of each content type there are.
    """

    def __init__(self) -> None:
        self.registry = Registry()
        self.changes: list[tuple[int, bytes]] = []
        self.chains: dict[str, StationChain] = {}
        self.others: dict[bytes, int] = {}
        self.signed: dict[bytes, array[int]] = {}
        self.kinds: Counter[str] = Counter()

    def take(self, index: int, entry: bytes) -> Iterator[AuditFinding]:
        """What is wrong with one entry."""
        # 1. Its form.
        try:
            message = cose.parse(entry)
            digest = message.digest
        except Rejected as error:
            yield AuditFinding(about=About.LOG, code=error.code, detail=error.detail, index=index)
            return
        if message.unprotected or cose.VDS in message.protected:
            why = "the entry has an unprotected header, or is a receipt"
            yield AuditFinding(about=About.LOG, code="entry", detail=why, index=index)
        # 2. It is here once.
        first = self._first(message)
        if first is not None:
            why = f"the statement stands at entry {first} already"
            yield AuditFinding(about=About.LOG, code="duplicate", detail=why, index=index)
        # 3. Policy and keys, or everybody else.
        self.kinds[_kind(message)] += 1
        kind = message.protected.get(cose.CONTENT_TYPE)
        concerns_registry = isinstance(kind, str) and kind in KINDS
        if index == 0 or concerns_registry:
            yield from self._change(index, entry)
        chained = False
        if not concerns_registry:
            chained = yield from self._check_author(index, message)
        if not chained:
            self.others.setdefault(digest[:HALF], index)

    def finish(self) -> Iterator[AuditFinding]:
        """What only the whole log tells: statements that a later revocation put in doubt, and gaps in the chains."""
        registry = self.registry
        for kid, indexes in self.signed.items():
            is_station = kid in registry.keys
            standing = registry.standing if is_station else registry.verifier_standing
            iss = (registry.station_key(kid) if is_station else registry.verifier_key(kid)).info.iss
            for index in indexes:
                if standing(kid, index) == KeyStanding.SUSPECT:
                    why = f"the key of {iss} is in doubt at this entry"
                    yield AuditFinding(about=About.STATEMENT, code="suspect-key", detail=why, index=index)
        for _, chain in sorted(self.chains.items()):
            yield from map(_of_station, chain.gaps())

    def _first(self, message: cose.Sign1) -> int | None:
        """Where this statement stands already."""
        seq = message.claims.get(SEQ)
        chain = self.chains.get(str(message.claims.get(cose.ISS)))
        held = chain.holds(seq, message.digest) if chain is not None and type(seq) is int else None
        return self.others.get(message.digest[:HALF]) if held is None else held

    def _change(self, index: int, entry: bytes) -> Iterator[AuditFinding]:
        self.changes.append((index, entry))
        known = len(self.registry.ignored)
        self.registry = fold(self.registry, index, entry)
        for ignored in self.registry.ignored[known:]:
            yield AuditFinding(about=About.REGISTRY, code=ignored.code, detail=ignored.detail, index=index)

    def _check_author(self, index: int, message: cose.Sign1) -> Generator[AuditFinding, None, bool]:
        """Whether the statement took its place in a station's chain."""
        issuer = message.claims.get(cose.ISS)
        try:
            if isinstance(issuer, str) and issuer.startswith(STATION_ISS):
                return (yield from self._check_station(index, message, issuer))
            if isinstance(issuer, str) and issuer.startswith(VERIFIER_ISS):
                self._check_verifier(index, message, issuer)
                return False
            self._check_operator(index, message)
        except (Rejected, NotFound) as error:
            yield AuditFinding(about=About.STATEMENT, code=error.code, detail=error.detail, index=index)
        return False

    def _check_operator(self, index: int, message: cose.Sign1) -> None:
        policy = self.registry.policy_at(index).policy
        if message.claims.get(cose.ISS) != policy.operator_iss:
            raise Rejected(
                "issuer", "the issuer is no station, no verifier and not the operator", fix="Sign as who you are."
            )
        message.verify(policy.operator_key)

    def _check_verifier(self, index: int, message: cose.Sign1, issuer: str) -> None:
        row = self.registry.verifier_key(message.kid)
        if row.info.iss != issuer:
            raise Rejected("issuer", f"{issuer} signs with the key of {row.info.iss}", fix="Sign with the own key.")
        message.verify(row.key)
        if self.registry.verifier_standing(message.kid, index) == KeyStanding.REVOKED:
            raise Rejected("revoked-key", f"the key of {issuer} is revoked at this entry", fix="Enrol a new key.")
        self.signed.setdefault(message.kid, array(PLACE)).append(index)

    def _check_station(self, index: int, message: cose.Sign1, issuer: str) -> Generator[AuditFinding, None, bool]:
        # 1. The key is a station's, this station's, and signed this.
        row = self.registry.station_key(message.kid)
        if row.info.iss != issuer:
            raise Rejected("issuer", f"{issuer} signs with the key of {row.info.iss}", fix="Sign with the own key.")
        message.verify(row.key)
        # 2. A dead key's word counts for nothing, not even for the chain.
        if self.registry.standing(message.kid, index) == KeyStanding.REVOKED:
            why = f"the key of {issuer} is revoked at this entry"
            yield AuditFinding(about=About.STATEMENT, code="revoked-key", detail=why, index=index)
            return False
        # 3. Its place in the station's chain.
        self.signed.setdefault(message.kid, array(PLACE)).append(index)
        seq, prev, count = message.claims.get(SEQ), message.claims.get(PREV), message.claims.get(COUNT, 1)
        if type(seq) is not int or not _is_link(seq, prev, count):
            why = f"{issuer} gives no sequence number with the digest of the statement before it"
            yield AuditFinding(about=About.STATION, code="seq", detail=why, index=index)
            return False
        chain = self.chains.setdefault(issuer, StationChain(issuer=issuer))
        if chain.holds(seq, message.digest) is None:
            link = Chained(index=index, digest=message.digest, prev=prev, seq=seq, count=count)
            yield from map(_of_station, chain.add(link))
        return chain.holds(seq, message.digest) is not None


def _kind(message: cose.Sign1) -> str:
    kind = message.protected.get(cose.PREIMAGE_CONTENT_TYPE, message.protected.get(cose.CONTENT_TYPE))
    return kind if isinstance(kind, str) and len(kind) <= MAX_KIND else "another"


def _of_station(broken: Break) -> AuditFinding:
    return AuditFinding(about=About.STATION, code=broken.code, detail=broken.detail, index=broken.index)


def _is_link(seq: int, prev: Any, count: Any) -> bool:
    follows = prev is None if seq == 1 else 1 < seq <= MAX_NUMBER and isinstance(prev, bytes) and len(prev) == 32
    return follows and type(count) is int and 1 <= count <= MAX_COUNT
