"""What the entries of a log say, checked one after the other: form, signer, no repeats, each station's own chain.

Every entry is a COSE_Sign1 with attached payload and empty unprotected header, and no statement is in the log twice.
Statements of policy and keys are folded into the registry; whatever that ignores is reported. Any other statement is by
a station, whose key must be valid at its index, or by the operator in force.

A station numbers its statements 1, 2, 3, ... (claim `seq`) and names the digest of the one before (claim `prev`, absent
in the first). They may arrive in any order; at the end none may be missing, doubled, or point elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from custody.kernel import cose
from custody.kernel.errors import NotFound, Rejected
from custody.ledger.registry import Registry, Standing, fold
from custody.ledger.statements import KEY_ADD, KEY_REVOKE, POLICY, STATION_ISS

SEQ = "seq"
PREV = "prev"

_REGISTRY_KINDS = frozenset({POLICY, KEY_ADD, KEY_REVOKE})


class About(StrEnum):
    """Whose fault a finding is: the log's own, or that of somebody whose statement it faithfully holds."""

    LOG = "log"
    REGISTRY = "registry"
    STATEMENT = "statement"
    STATION = "station"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong, at which entry (None: with the log as a whole)."""

    about: About
    code: str
    detail: str
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    index: int
    digest: bytes
    prev: bytes | None


class Replay:
    """Takes the entries in order and keeps what later ones are checked against."""

    def __init__(self) -> None:
        self.registry = Registry()
        self._digests: dict[bytes, int] = {}
        self._chains: dict[str, dict[int, _Link]] = {}
        self._signed: dict[bytes, list[int]] = {}

    def take(self, index: int, entry: bytes) -> Iterator[Finding]:
        """What is wrong with one entry."""
        # 1. Its form.
        try:
            message = cose.parse(entry)
            digest = message.digest
        except Rejected as error:
            yield Finding(about=About.LOG, code=error.code, detail=error.detail, index=index)
            return
        if message.unprotected or cose.VDS in message.protected:
            why = "the entry has an unprotected header, or is a receipt"
            yield Finding(about=About.LOG, code="entry", detail=why, index=index)
        # 2. It is here once.
        first = self._digests.setdefault(digest, index)
        if first != index:
            why = f"the statement stands at entry {first} already"
            yield Finding(about=About.LOG, code="duplicate", detail=why, index=index)
        # 3. Policy and keys, or everybody else.
        kind = message.protected.get(cose.CONTENT_TYPE)
        concerns_registry = isinstance(kind, str) and kind in _REGISTRY_KINDS
        if index == 0 or concerns_registry:
            known = len(self.registry.ignored)
            self.registry = fold(self.registry, index, entry)
            for ignored in self.registry.ignored[known:]:
                yield Finding(about=About.REGISTRY, code=ignored.code, detail=ignored.detail, index=index)
        if not concerns_registry:
            yield from self._check_author(index, message)

    def finish(self) -> Iterator[Finding]:
        """What only the whole log tells: statements that a later revocation put in doubt, and broken chains."""
        for kid, indexes in self._signed.items():
            for index in indexes:
                if self.registry.standing(kid, index) == Standing.SUSPECT:
                    why = f"the key of {self.registry.station_key(kid).info.iss} is in doubt at this entry"
                    yield Finding(about=About.STATEMENT, code="suspect-key", detail=why, index=index)
        for issuer, chain in sorted(self._chains.items()):
            expected, before = 1, None
            for seq, link in sorted(chain.items()):
                if seq != expected:
                    why = f"{issuer} left out {expected} to {seq - 1}"
                    yield Finding(about=About.STATION, code="gap", detail=why, index=link.index)
                elif link.prev != before:
                    why = f"statement {seq} of {issuer} names another predecessor"
                    yield Finding(about=About.STATION, code="prev", detail=why, index=link.index)
                expected, before = seq + 1, link.digest

    def _check_author(self, index: int, message: cose.Sign1) -> Iterator[Finding]:
        issuer = message.claims.get(cose.ISS)
        try:
            if isinstance(issuer, str) and issuer.startswith(STATION_ISS):
                yield from self._check_station(index, message, issuer)
            else:
                self._check_operator(index, message)
        except (Rejected, NotFound) as error:
            yield Finding(about=About.STATEMENT, code=error.code, detail=error.detail, index=index)

    def _check_operator(self, index: int, message: cose.Sign1) -> None:
        policy = self.registry.policy_at(index).policy
        if message.claims.get(cose.ISS) != policy.operator_iss:
            raise Rejected("issuer", "the issuer is neither a station nor the operator", fix="Sign as who you are.")
        message.verify(policy.operator_key)

    def _check_station(self, index: int, message: cose.Sign1, issuer: str) -> Iterator[Finding]:
        # 1. The key is a station's, this station's, and signed this.
        row = self.registry.station_key(message.kid)
        if row.info.iss != issuer:
            raise Rejected("issuer", f"{issuer} signs with the key of {row.info.iss}", fix="Sign with the own key.")
        message.verify(row.key)
        # 2. A dead key's word counts for nothing, not even for the chain.
        if self.registry.standing(message.kid, index) == Standing.REVOKED:
            why = f"the key of {issuer} is revoked at this entry"
            yield Finding(about=About.STATEMENT, code="revoked-key", detail=why, index=index)
            return
        # 3. Its place in the station's chain.
        self._signed.setdefault(message.kid, []).append(index)
        yield from self._link(index, message, issuer)

    def _link(self, index: int, message: cose.Sign1, issuer: str) -> Iterator[Finding]:
        seq, prev = message.claims.get(SEQ), message.claims.get(PREV)
        if type(seq) is not int or not _is_link(seq, prev):
            why = f"{issuer} gives no sequence number with the digest of the statement before it"
            yield Finding(about=About.STATION, code="seq", detail=why, index=index)
            return
        link = _Link(index=index, digest=message.digest, prev=prev)
        first = self._chains.setdefault(issuer, {}).setdefault(seq, link)
        if first.digest != link.digest:
            why = f"{issuer} made two statements {seq}; the other is entry {first.index}"
            yield Finding(about=About.STATION, code="fork", detail=why, index=index)


def _is_link(seq: int, prev: Any) -> bool:
    return prev is None if seq == 1 else seq > 1 and isinstance(prev, bytes) and len(prev) == 32
