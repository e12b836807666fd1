"""What a check of an evidence pack found, step by step.

Each finding is True (it holds), False (it does not, and the pack is refused) or None (it cannot be told from the pack,
or it is a fact that a reader must know). A pack is sound if nothing is False; what it states without anything to check
that by is named beside, and counts as verified for nobody.

A quorum of witnesses that has not cosigned is nothing wrong with a pack: it is open until they have, whether the log's
own policy asks for them or the checker does, whose demand is then False.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from custody.kernel.errors import Rejected
from custody.ledger.witness_policy import Witnessed

BY_WORD = "on the operator's word"
"""Of what a pack states and nothing in it bears out."""


class PackStep(IntEnum):
    """The numbered steps."""

    FORM = 1
    HEAD = 2
    ENTRIES = 3
    REGISTRY = 4
    SCANS = 5
    RECORDS = 6
    LOCKS = 7
    TRAIL = 8
    INVESTIGATION = 9
    WITNESSES = 10


TITLES = {
    PackStep.FORM: "Form: every byte as exported",
    PackStep.HEAD: "The log's key signed the head",
    PackStep.ENTRIES: "Every entry is in the log at its place",
    PackStep.REGISTRY: "Who was allowed to sign what",
    PackStep.SCANS: "Scans: signature, content, each station's own chain",
    PackStep.RECORDS: "Records of the case",
    PackStep.LOCKS: "Commands to the handset and its answers",
    PackStep.TRAIL: "The trail and the report follow from the signed records",
    PackStep.INVESTIGATION: "The probabilities, computed again",
    PackStep.WITNESSES: "Who else saw this head of the log",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFinding:
    """One finding of one step; `where` names a file or an entry.

    It is `unchecked` if the pack makes a statement there that nothing in it bears out or contradicts. Of a quorum
    that has not cosigned, `cosigned` are the witnesses who have and `awaited` the others who count, by their names in
    the policy.
    """

    step: PackStep
    ok: bool | None
    what: str
    where: str = ""
    unchecked: bool = False
    cosigned: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All findings in order, and what the pack says it is ("" if it could not be read)."""

    checks: tuple[PackFinding, ...]
    dispute: str = ""
    origin: str = ""
    size: int = 0

    @property
    def ok(self) -> bool:
        """Whether the pack is sound, and cosigned as the checker demands."""
        return bool(self.checks) and all(check.ok is not False for check in self.checks)

    @property
    def failures(self) -> tuple[PackFinding, ...]:
        """What does not hold, and demands that are not met."""
        return tuple(check for check in self.checks if check.ok is False)

    @property
    def wrong(self) -> tuple[PackFinding, ...]:
        """What does not hold; a verification without any finding at all is wrong too, and has none here."""
        return tuple(check for check in self.failures if not check.awaited)

    @property
    def unwitnessed(self) -> tuple[PackFinding, ...]:
        """What waits for witnesses of whom not enough have cosigned."""
        return tuple(check for check in self.checks if check.awaited)

    @property
    def unchecked(self) -> tuple[PackFinding, ...]:
        """What the pack states and does not let anybody check."""
        return tuple(check for check in self.checks if check.unchecked)

    def demand(self) -> None:
        """Return if `ok`; raises `Rejected("pack")` with the first thing that does not hold."""
        if self.ok:
            return
        first = next(iter(self.failures), None)
        why = "nothing was checked" if first is None else f"step {int(first.step)}: {first.what} {first.where}".strip()
        raise Rejected("pack", f"the pack is refused: {why}", fix="Ask for the pack again as it was exported.")


@dataclass(slots=True, kw_only=True)
class Notebook:
    """Where a step writes what it finds."""

    step: PackStep
    checks: list[PackFinding] = field(default_factory=list)

    def holds(self, what: str, where: str = "") -> None:
        """It holds."""
        self.checks.append(PackFinding(step=self.step, ok=True, what=what, where=where))

    def fails(self, what: str, where: str = "") -> None:
        """It does not hold."""
        self.checks.append(PackFinding(step=self.step, ok=False, what=what, where=where))

    def says(self, what: str, where: str = "") -> None:
        """It cannot be told from the pack, or a reader must know it."""
        self.checks.append(PackFinding(step=self.step, ok=None, what=what, where=where))

    def leaves(self, what: str, where: str = "") -> None:
        """The pack states it, and it cannot be checked."""
        self.checks.append(PackFinding(step=self.step, ok=None, what=what, where=where, unchecked=True))

    def tell(self, what: str, where: str = "", *, ok: bool | None) -> None:
        """Whatever came out."""
        self.checks.append(PackFinding(step=self.step, ok=ok, what=what, where=where))

    def awaits(self, what: str, where: str, seen: Witnessed, *, ok: bool | None) -> None:
        """Not enough of a policy's witnesses have cosigned yet; `ok` is False if the checker demands them."""
        cosigned = tuple(row.party for row in seen.parties)
        self.checks.append(
            PackFinding(step=self.step, ok=ok, what=what, where=where, cosigned=cosigned, awaited=seen.awaited)
        )

    @property
    def clean(self) -> bool:
        """Whether nothing failed so far."""
        return all(check.ok is not False for check in self.checks)
