"""Which witnesses must have cosigned a checkpoint (C2SP tlog-policy), and which of them did.

One rule a line, words parted by spaces and tabs; empty lines and lines that start with # say nothing:

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

Names are defined before they are used, witnesses and groups share them, and each is a member of at most one group,
once. No two log lines carry one public key, and no two witness lines; a log's key may be a witness's too. There is
exactly one quorum line. A group has witnessed a checkpoint if at least k of its members have (`all` is k = n, `any` is
k = 1).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from custody.kernel.clock import SECOND_MS, to_iso
from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.cosignature import LOG_KINDS, WITNESS_KINDS, cosigned_at_s, verifier_of
from custody.ledger.note import SignatureKind, VerifierKey, open_note, parse_vkey
from custody.ledger.spellings import read_decimal

NONE = "none"
NO_QUORUM = "quorum"
"""The code of the refusal that says that witnesses are still to cosign, and nothing worse."""
LAST_S = 253_402_300_799
"""The last second of the year 9999. A cosignature may name any up to 2**63 - 1 (C2SP tlog-cosignature)."""
MAX_LINES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessGroup:
    """At least `least` of `members` must have witnessed."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """The witness that the policy calls `party` cosigned at that time."""

    party: str
    at_s: int

    @property
    def at(self) -> str:
        """The time for people; as bare seconds where a witness signed one that no calendar has."""
        return to_iso(self.at_s * SECOND_MS) if self.at_s <= LAST_S else f"{self.at_s} s after 1970"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What a policy makes of one note: which parties cosigned it, and who else is awaited where they are not enough."""

    checkpoint: Checkpoint
    parties: tuple[Cosigned, ...]
    awaited: tuple[str, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether they are enough."""
        return not self.awaited

    def demand(self) -> Checkpoint:
        """The checkpoint if the quorum is reached; raises `Rejected("quorum")` if not."""
        if not self.satisfied:
            names = ", ".join(sorted(row.party for row in self.parties)) or "nobody"
            raise Rejected(
                NO_QUORUM, f"only {names} cosigned", fix="Wait for the witnesses and fetch a fresh checkpoint."
            )
        return self.checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPolicy:
    """A parsed policy; `quorum` is the name of a witness or a group, or `none`; `urls` are the witnesses' addresses.

    `groups` are in the order of the text, so each comes after its members: a quorum is judged in one pass, however deep
    the groups lie in each other.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey] = field(default_factory=dict)
    groups: Mapping[str, WitnessGroup] = field(default_factory=dict)
    quorum: str = NONE
    urls: Mapping[str, str] = field(default_factory=dict)

    def demand_log(self, log: VerifierKey) -> None:
        """Raise `Rejected("witness-policy")` unless this is a policy of the log with that key."""
        if log not in self.logs:
            what = "this policy is of another log" if self.logs else "this policy names no log"
            fix = f"Give the policy of this log, which has the line: log {log.vkey()}"
            raise Rejected("witness-policy", what, fix=fix)

    def judge(self, note: bytes) -> Witnessed:
        """Who cosigned `note`; raises `Rejected` unless a log of the policy signed it and every known line verifies."""
        # 1. A log of the policy signed, and its key carries the origin as name.
        logs = [verifier_of(key) for key in self.logs]
        checkpoint = parse_checkpoint(open_note(note, logs).text)
        signed = open_note(note, [*logs, *(verifier_of(key) for key in self.witnesses.values())])
        if not any(
            line.is_by(key) and key.name == checkpoint.origin for line in signed.signatures for key in self.logs
        ):
            raise Rejected("checkpoint", "no log of the policy has this origin", fix="Use the policy of this log.")
        # 2. Each witness counts once, with its earliest time; a line that tells no time does not count.
        times: dict[str, int] = {}
        for party, key in self.witnesses.items():
            seen = [at_s for line in signed.signatures if line.is_by(key) and (at_s := cosigned_at_s(line.blob))]
            if seen:
                times[party] = min(seen)
        # 3. The quorum.
        parties = tuple(Cosigned(party=party, at_s=at_s) for party, at_s in times.items())
        return Witnessed(checkpoint=checkpoint, parties=parties, awaited=self._awaited(times))

    def is_quorum(self, parties: Collection[str]) -> bool:
        """Whether these witnesses together are enough."""
        witnessed = {NONE, *parties}
        for name, group in self.groups.items():
            if len(witnessed.intersection(group.members)) >= group.least:
                witnessed.add(name)
        return self.quorum in witnessed

    def _awaited(self, parties: Collection[str]) -> tuple[str, ...]:
        """The witnesses who count for the quorum and are not among these, in the order of the text; none if they do."""
        if self.is_quorum(parties):
            return ()
        counted = [self.quorum]
        for name in counted:
            counted += self.groups[name].members if name in self.groups else ()
        return tuple(name for name in self.witnesses if name in counted and name not in parties)


def policy_text(raw: bytes) -> str:
    """What a file with a policy says, with the line ends of whatever system it was written on.

    Its names are octets (C2SP tlog-policy, Character set): those that are no UTF-8 become one lone surrogate each.
    """
    return raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def parse_policy(text: str) -> WitnessPolicy:
    """The policy in `text`; raises `Rejected("witness-policy")`, or `Rejected("vkey")` for a bad key."""
    if not text.endswith("\n") or any((letter < " " and letter not in "\t\n") or letter == "\x7f" for letter in text):
        raise _malformed(0, "the last line is not ended, or a control character stands in it")
    lines = text[:-1].split("\n")
    if len(lines) > MAX_LINES:
        raise _malformed(0, f"it has more than {MAX_LINES} lines")
    reading = _Reading()
    for number, line in enumerate(lines, start=1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            reading.take(number, words)
    if reading.quorum is None:
        raise _malformed(0, "it has no quorum line")
    return WitnessPolicy(
        logs=tuple(reading.logs),
        witnesses=reading.witnesses,
        groups=reading.groups,
        quorum=reading.quorum,
        urls=reading.urls,
    )


class _Reading:
    """What has been read of a policy so far."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.urls: dict[str, str] = {}
        self.groups: dict[str, WitnessGroup] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()

    def take(self, number: int, words: list[str]) -> None:
        """Read one line."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(self._key(number, vkey, LOG_KINDS, self._log_keys))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._define(number, name)
                self.witnesses[name] = self._key(number, vkey, WITNESS_KINDS, self._witness_keys)
                self.urls.update((name, address) for address in url)
            case ["group", name, count, first, *rest]:
                self._group(number, name, count, [first, *rest])
            case ["quorum", name]:
                if self.quorum is not None:
                    raise _malformed(number, "there is a second quorum line")
                if name != NONE:
                    self._known(number, name)
                self.quorum = name
            case _:
                raise _malformed(number, "it is not a log, witness, group or quorum line")

    def _group(self, number: int, name: str, count: str, members: list[str]) -> None:
        for member in members:
            self._known(number, member)
            if member in self._members:
                raise _malformed(number, f"{member} is a member already")
            self._members.add(member)
        words = {"all": len(members), "any": 1}
        least = words[count] if count in words else read_decimal(count, code="witness-policy", what="the group's count")
        if not 1 <= least <= len(members):
            raise _malformed(number, f"{least} of {len(members)} is impossible")
        self._define(number, name)
        self.groups[name] = WitnessGroup(least=least, members=tuple(members))

    def _key(self, number: int, vkey: str, kinds: frozenset[SignatureKind], taken: set[bytes]) -> VerifierKey:
        key = parse_vkey(vkey)
        if key.kind not in kinds:
            raise _malformed(number, "the key is of another kind")
        if key.raw in taken:
            raise _malformed(number, "the same public key stands on another line of this sort")
        taken.add(key.raw)
        return key

    def _define(self, number: int, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise _malformed(number, f"the name {name} is taken")

    def _known(self, number: int, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise _malformed(number, f"the name {name} is not defined above")


def _malformed(number: int, why: str) -> Rejected:
    where = f"line {number}" if number else "the policy"
    return Rejected("witness-policy", f"{where}: {why}", fix="Write the policy by C2SP tlog-policy.")
