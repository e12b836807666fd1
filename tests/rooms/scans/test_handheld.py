"""What the handheld shows fits its screen and its tone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.scans.handheld import LINE_LENGTH, SCREENS, URGENCY, clock_line
from custody.scans.verdict import FLAGS, SEVERITY, Flag, already_done, sum_up

TABLE = {
    "S00": ("OK", "next parcel"),
    "S01": ("SAVED OFFLINE", "go on; sends itself later"),
    "S10": ("ALREADY DONE", "go on; nothing is stored twice"),
    "S20": ("CLOCK OFF", "go on; flagged, both times kept"),
    "S30": ("UNKNOWN PARCEL", "keep scanning"),
    "S31": ("NOT DUE HERE", "stored and flagged"),
    "S32": ("WEIGHT OUT", "hold, reweigh"),
    "S33": ("SEAL DIFFERS", "hold, photo"),
    "S34": ("SERIAL DIFFERS", "hold"),
    "S40": ("ENROL AGAIN", "fetch a supervisor's QR"),
    "S41": ("HAND IN DEVICE", "handheld revoked"),
    "S50": ("SERVER BUSY", "saved; go on"),
}


def test_the_table_of_codes_is_complete() -> None:
    assert {code: (screen.line, screen.next_act) for code, screen in SCREENS.items()} == TABLE
    assert all(screen.code == code and len(screen.line) <= LINE_LENGTH for code, screen in SCREENS.items())


def test_the_low_tone_sounds_exactly_where_work_must_stop() -> None:
    low = {code for code, screen in SCREENS.items() if screen.tone == "low_double"}
    assert low == {"S32", "S33", "S34", "S40", "S41"}


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_the_clock_line_fits_and_has_a_sign(ahead_ms: int) -> None:
    line = clock_line(ahead_ms)
    assert len(line) <= LINE_LENGTH
    assert line.startswith("CLOCK OFF -" if ahead_ms < 0 else "CLOCK OFF +")


@pytest.mark.parametrize(
    ("ahead_ms", "line"),
    [
        (0, "CLOCK OFF +0s"),
        (31_000, "CLOCK OFF +31s"),
        (4 * MINUTE_MS, "CLOCK OFF +4m"),
        (-4 * MINUTE_MS, "CLOCK OFF -4m"),
        (2 * HOUR_MS, "CLOCK OFF +2h"),
        (15 * DAY_MS, "CLOCK OFF +15d"),
        (-15 * DAY_MS - 1, "CLOCK OFF -15d"),
    ],
)
def test_the_clock_line_is_in_the_unit_that_reads_best(ahead_ms: int, line: str) -> None:
    assert clock_line(ahead_ms) == line


def test_every_flag_has_a_result_and_a_screen_in_the_order_of_urgency() -> None:
    for code in FLAGS:
        flag = Flag(code=code, text="x")
        assert flag.result in SEVERITY
        assert flag.screen.code in URGENCY


FACTS = (("ahead_ms", 240_000), ("late_ms", 240_000))
FLAG_SETS = st.lists(
    st.sampled_from(sorted(FLAGS)).map(lambda code: Flag(code=code, text="x", facts=FACTS)), max_size=6
)


@given(FLAG_SETS, FLAG_SETS)
def test_more_flags_never_make_a_verdict_milder_or_less_urgent(few: list[Flag], more: list[Flag]) -> None:
    before, after = sum_up(few), sum_up(few + more)
    assert SEVERITY.index(after.result) >= SEVERITY.index(before.result)
    assert URGENCY.index(after.code) >= URGENCY.index(before.code)


@given(FLAG_SETS)
def test_a_verdict_is_the_worst_of_its_flags_whatever_their_order(flags: list[Flag]) -> None:
    verdict, turned = sum_up(flags), sum_up(reversed(flags))
    assert (verdict.result, verdict.code, verdict.line) == (turned.result, turned.code, turned.line)
    assert verdict.result in {"accepted", *(flag.result for flag in flags)}
    assert len(verdict.line) <= LINE_LENGTH


def test_no_flags_are_ok_and_a_repeat_is_already_done() -> None:
    assert (sum_up([]).result, sum_up([]).code, sum_up([]).line) == ("accepted", "S00", "OK")
    assert (already_done().result, already_done().code) == ("duplicate", "S10")
