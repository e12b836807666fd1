"""What the handheld shows and sounds: two lines of 20 characters, a tone, the next act.

The high tone means go on, the low double tone means stop and hold. People work by ear, so a code whose act is to go on
never sounds low, whatever was flagged.

| code | line | next act |
|---|---|---|
| S00 | OK | next parcel |
| S01 | SAVED OFFLINE n | go on; sends itself later |
| S10 | ALREADY DONE | go on; nothing is stored twice |
| S20 | CLOCK OFF +4m | go on; flagged, both times kept |
| S30 | UNKNOWN PARCEL | keep scanning |
| S31 | NOT DUE HERE | stored and flagged |
| S32 | WEIGHT OUT | hold, reweigh |
| S33 | SEAL DIFFERS | hold, photo |
| S34 | SERIAL DIFFERS | hold |
| S40 | ENROL AGAIN | fetch a supervisor's QR |
| S41 | HAND IN DEVICE | handheld revoked |
| S50 | SERVER BUSY | saved; go on |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from custody.kernel.clock import in_largest_unit

Tone = Literal["high", "low_double"]
LINE_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HandheldScreen:
    """One answer of the handheld."""

    code: str
    line: str
    next_act: str
    tone: Tone


def _screen(code: str, line: str, next_act: str, tone: Tone = "high") -> HandheldScreen:
    return HandheldScreen(code=code, line=line, next_act=next_act, tone=tone)


_SCREENS = (
    _screen("S00", "OK", "next parcel"),
    _screen("S01", "SAVED OFFLINE", "go on; sends itself later"),
    _screen("S10", "ALREADY DONE", "go on; nothing is stored twice"),
    _screen("S20", "CLOCK OFF", "go on; flagged, both times kept"),
    _screen("S30", "UNKNOWN PARCEL", "keep scanning"),
    _screen("S31", "NOT DUE HERE", "stored and flagged"),
    _screen("S32", "WEIGHT OUT", "hold, reweigh", "low_double"),
    _screen("S33", "SEAL DIFFERS", "hold, photo", "low_double"),
    _screen("S34", "SERIAL DIFFERS", "hold", "low_double"),
    _screen("S40", "ENROL AGAIN", "fetch a supervisor's QR", "low_double"),
    _screen("S41", "HAND IN DEVICE", "handheld revoked", "low_double"),
    _screen("S50", "SERVER BUSY", "saved; go on"),
)
SCREENS: Mapping[str, HandheldScreen] = {screen.code: screen for screen in _SCREENS}
URGENCY = ("S00", "S20", "S31", "S30", "S32", "S33", "S34", "S40", "S41")
"""Codes of a verdict, the most urgent for the person at the bench last."""


def clock_line(ahead_ms: int) -> str:
    """The line of S20 with how far the station's clock is ahead (+) or behind (-), in the unit that reads best."""
    count, unit = in_largest_unit(abs(ahead_ms))
    return f"CLOCK OFF {'-' if ahead_ms < 0 else '+'}{count}{unit[0]}"
