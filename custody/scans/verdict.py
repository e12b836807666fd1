"""Flags and the verdict they add up to.

| flag | result | handheld |
|---|---|---|
| late_offline: stored by the station and sent later, within its span | accepted | S00 |
| too_late: sent after the span in which a station may store | flagged | S20 |
| clock_skew, clock_quarantine: the station's clock is ahead | flagged, quarantined | S20 |
| seal_replaced: a new seal, after a record that the old one was taken off | accepted | S00 |
| unknown_parcel | flagged | S30 |
| not_due_here: wrong taker, nothing released, or older than what is known | flagged | S31 |
| weight_out, seal_differs, serial_differs | flagged | S32, S33, S34 |
| sequence_gap: numbers of this station are missing | flagged | S00 |
| key_suspect: unproven, between "suspect from" and the revocation | flagged | S00 |
| chain_broken: the station's statements do not follow each other | quarantined | S40 |
| key_unknown, key_revoked | quarantined | S40, S41 |
| tamper_evidence: one number, two contents | quarantined | S40 |

The worst result among the flags is the result. The handheld shows the most urgent code among them, which need not
belong to the same flag: a box with the wrong serial is held even if the clock is what quarantines the scan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from custody.scans.handheld import SCREENS, URGENCY, HandheldScreen, Tone, clock_line

QUARANTINED = "quarantined"
Result = Literal["accepted", "flagged", "quarantined", "duplicate"]
SEVERITY: tuple[Result, ...] = ("accepted", "flagged", "quarantined")

FLAGS: Mapping[str, tuple[Result, str]] = {
    "late_offline": ("accepted", "S00"),
    "seal_replaced": ("accepted", "S00"),
    "too_late": ("flagged", "S20"),
    "clock_skew": ("flagged", "S20"),
    "clock_quarantine": ("quarantined", "S20"),
    "unknown_parcel": ("flagged", "S30"),
    "not_due_here": ("flagged", "S31"),
    "weight_out": ("flagged", "S32"),
    "seal_differs": ("flagged", "S33"),
    "serial_differs": ("flagged", "S34"),
    "sequence_gap": ("flagged", "S00"),
    "key_suspect": ("flagged", "S00"),
    "chain_broken": ("quarantined", "S40"),
    "key_unknown": ("quarantined", "S40"),
    "key_revoked": ("quarantined", "S41"),
    "tamper_evidence": ("quarantined", "S40"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One reason, as a code, a sentence and the figures in it."""

    code: str
    text: str
    facts: tuple[tuple[str, int | float | str], ...] = ()

    @property
    def result(self) -> Result:
        """What this flag alone would lead to."""
        return FLAGS[self.code][0]

    @property
    def screen(self) -> HandheldScreen:
        """What the handheld would show for it."""
        return SCREENS[FLAGS[self.code][1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one scan and the handheld's answer."""

    result: Result
    flags: tuple[Flag, ...]
    code: str
    line: str
    next_act: str
    tone: Tone


def sum_up(flags: Iterable[Flag]) -> Verdict:
    """The verdict the flags add up to."""
    reasons = tuple(flags)
    if not reasons:
        return _CLEAN
    result = max((flag.result for flag in reasons), key=SEVERITY.index)
    screen = max((flag.screen for flag in reasons), key=lambda each: URGENCY.index(each.code))
    verdict = _shown(result, screen, reasons)
    return replace(verdict, line=clock_line(_ahead_ms(reasons))) if screen.code == "S20" else verdict


def _ahead_ms(flags: tuple[Flag, ...]) -> int:
    """What S20 shows: how far the clock is ahead, or, for a scan that came too late, behind."""
    facts = {name: value for flag in flags if flag.screen.code == "S20" for name, value in flag.facts}
    return int(facts["ahead_ms"]) if "ahead_ms" in facts else -int(facts["late_ms"])


def already_done() -> Verdict:
    """The answer to a scan that is stored already."""
    return _shown("duplicate", SCREENS["S10"], ())


def unread() -> Verdict:
    """The answer to a scan of a batch that holds no event: its leaf is kept, and it counts for nothing."""
    return _shown("quarantined", SCREENS["S50"], ())


def _shown(result: Result, screen: HandheldScreen, flags: tuple[Flag, ...]) -> Verdict:
    return Verdict(
        result=result, flags=flags, code=screen.code, line=screen.line, next_act=screen.next_act, tone=screen.tone
    )


_CLEAN = _shown("accepted", SCREENS["S00"], ())
