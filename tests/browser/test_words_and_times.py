"""Every code has words, and moments, spans, keys and shares are written as people read them."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import get_args

import pytest

from api.pages import words
from api.pages.charts.axis import axis_over
from api.pages.charts.bars import LENGTH, share_bar, weight_bar
from api.pages.render import DONE
from api.pages.svg import element, mark
from api.pages.times import (
    both_clocks,
    counted,
    moment,
    moment_words,
    sentence,
    short_key,
    signed,
    span_words,
    spelled,
    when,
)
from api.pages.troubles import _qualities
from custody.disputes.case import CASE
from custody.disputes.claim import ClaimType
from custody.disputes.exception import EXCEPTION
from custody.disputes.inquiry import INVESTIGATION
from custody.disputes.lesson import LessonKind
from custody.disputes.line import LineKind
from custody.disputes.overturned import Answer
from custody.disputes.people import Relation
from custody.disputes.promise import PROMISE
from custody.disputes.wording import lint_text
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.scans.verdict import FLAGS
from devicelock.backends.known import CAPABILITIES
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.command import Basis, Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import OrderState
from devicelock.rules.preflight import CheckName, CheckReason
from devicelock.usecases.plan_parts import Why
from devicelock.usecases.request_lock import PAUSES

SUMMER_MS = 1_780_000_000_000  # 28 May 2026, 20:26:40 UTC


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (words.CASE_STATES, CASE.states),
        (words.CLAIMS, ClaimType),
        (words.OVERTURNED, Answer),
        (words.EXCEPTIONS, EXCEPTION.states),
        (words.LESSONS, LessonKind),
        (words.PROMISES, PROMISE.states),
        (words.INQUIRIES, INVESTIGATION.states),
        (words.LOCKS, OrderState),
        (words.LOCK_REASONS, Reason),
        (words.BASES, Basis),
        (words.CHECKS, CheckName),
        (words.CHECK_REASONS, CheckReason),
        (words.CHECK_REASONS, Why),
        (words.BACKENDS, [*CAPABILITIES, "agent"]),
        (words.FLAGS, FLAGS),
        (words.SIMS, SimClass),
        (words.ALERTS, AlertKind),
        (words.PAUSES, PAUSES),
        (words.PEOPLE, Relation),
    ],
)
def test_every_code_that_a_page_can_show_has_words(table: Mapping[str, object], codes: object) -> None:
    assert [str(code) for code in codes if str(code) not in table] == []  # type: ignore[attr-defined]  # each is iterable


def test_every_line_of_a_case_that_our_code_writes_has_words() -> None:
    assert set(get_args(LineKind)) == set(words.TIMELINE)


def test_no_words_stand_for_a_state_that_no_case_has() -> None:
    assert set(words.CASE_STATES) - {str(state) for state in CASE.states} == set()


def test_a_handset_is_no_code_among_those_who_acted() -> None:
    assert words.actor("dev_v0jg1q1ytnbaw3fp") == "the handset"
    assert words.actor("agent-1") == "agent-1"


CUSTOMER_PAGES = (
    "customer.html",
    "_customer_locks.html",
    "complain.html",
    "bought.html",
    "no_such_link.html",
    "out_of_reach.html",
)


@pytest.mark.parametrize("name", CUSTOMER_PAGES)
def test_whatever_branch_a_customers_page_takes_its_words_are_plain(name: str) -> None:
    source = files("api.pages").joinpath("templates", name).read_text(encoding="utf-8")
    filled = re.sub(r"\{\{.*?\}\}", "something", re.sub(r"\{%.*?%\}", "\n", source, flags=re.DOTALL), flags=re.DOTALL)
    for line in filter(str.strip, re.sub(r"<[^>]*>", "\n", filled).splitlines()):
        if re.search(r"[A-Za-z]{2}", line):
            lint_text(line.strip())


@pytest.mark.parametrize("key", [key for key in DONE if key.startswith("c_")])
def test_what_a_customer_is_told_after_a_form_is_plain(key: str) -> None:
    lint_text(DONE[key])


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert words.worded(words.CLAIMS, "something_new") == "something new"


def test_moments_are_civil_times_in_london() -> None:
    assert moment(SUMMER_MS) == "28 May 2026, 21:26"
    assert moment_words(SUMMER_MS) == "21:26 on 28 May 2026"
    assert when("2026-05-28") == '<time datetime="2026-05-28">28 May 2026</time>'


@pytest.mark.parametrize(
    ("span_ms", "said"),
    [(0, "0 s"), (40_000, "40 s"), (3 * HOUR_MS + 12 * MINUTE_MS, "3 h 12 min"), (2 * DAY_MS + 30_000, "2 d 30 s")],
)
def test_spans_are_said_in_their_two_largest_units(span_ms: int, said: str) -> None:
    assert span_words(span_ms) == said


def test_both_clocks_are_said_unless_they_agree() -> None:
    assert "received" not in both_clocks(SUMMER_MS, SUMMER_MS + 1_000)
    assert both_clocks(SUMMER_MS, SUMMER_MS + DAY_MS).endswith("received 29 May 2026, 21:26")


def test_keys_in_a_sentence_lose_their_web_address_and_nothing_else() -> None:
    said = (
        "between sorting at https://id.gs1.org/414/9521886000126 and linehaul at https://id.gs1.org/414/9521474000132."
    )
    assert short_key(said) == "between sorting at 9521886000126 and linehaul at 9521474000132."
    assert short_key("https://id.gs1.org/414/9521886000126/254/HUB-1") == "9521886000126/254/HUB-1"
    assert short_key("po:SO-1") == "po:SO-1"


def test_small_words() -> None:
    assert signed(-1.25) == "\N{MINUS SIGN}1.2"
    assert signed(-0.04) == signed(0.04) == "+0.0"
    assert sentence("pIN") == "PIN"


@pytest.mark.parametrize("span_ms", [MINUTE_MS, 5 * HOUR_MS, 3 * DAY_MS, 30 * DAY_MS, 700 * DAY_MS])
def test_the_axis_names_a_few_round_moments_inside_it(span_ms: int) -> None:
    axis = axis_over([SUMMER_MS, SUMMER_MS + span_ms])
    assert axis is not None
    ticks = axis.ticks()
    assert len(ticks) <= 9
    assert all(axis.from_ms <= at_ms <= axis.to_ms for at_ms, _ in ticks)
    assert axis.x(axis.from_ms) < axis.x(SUMMER_MS) < axis.x(SUMMER_MS + span_ms) < axis.x(axis.to_ms)


def test_an_axis_over_nothing_is_none() -> None:
    assert axis_over([None, None]) is None


def test_what_stands_in_a_drawing_is_escaped() -> None:
    said = element("text", "<script>", class_='"x" onload="y', data_at=1.0)
    assert said == '<text class="&#34;x&#34; onload=&#34;y" data-at="1">&lt;script&gt;</text>'
    assert "<b>" not in mark(label="<b>", href="#'\"<b>", tip_x=1, tip_y=2)


def test_a_bar_is_as_long_as_its_share() -> None:
    assert f'width="{LENGTH / 4:.0f}"' in share_bar(0.25)
    assert "whisker" in share_bar(0.25, (0.1, 0.9))
    assert 'class="against"' in weight_bar(-3, most=10)
    assert 'class="fill"' in weight_bar(3, most=10)


def test_browsers_prefer_pages_and_programs_do_not() -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert _qualities(browser) == {
        "text/html": 1.0,
        "application/xhtml+xml": 1.0,
        "application/xml": 0.9,
        "*/*": 0.8,
    }
    assert _qualities("") == {}


def test_one_of_a_thing_is_not_several() -> None:
    assert [counted(count, "dispute") for count in (0, 1, 2)] == ["0 disputes", "1 dispute", "2 disputes"]


def test_the_number_of_a_case_is_written_to_be_read_out() -> None:
    assert spelled("case_0k3v9q2m7x4d8r1t") == "0k3v 9q2m 7x4d 8r1t"
