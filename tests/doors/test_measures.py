"""How well customers are treated, as a monitoring system reads it: `GET /metrics`, in Prometheus' text format.

The measures are those of `custody/store/measure_book.py`; each test makes something happen and sees its figure move.
"""

import re

import pytest
from pydantic import SecretStr
from sqlalchemy import update
from sqlmodel import col

from custody.disputes.promise import Promise
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from custody.store import case_book, outbox
from custody.store.measure_book import measure
from custody.store.tables import OutboxRow
from devicelock.rules.order import OrderState
from tests.doors.case_desk import SEEN, CaseDesk

LINE = re.compile(r"([a-z_]+)(?:\{([a-z]+)=\"([a-z_]+)\"\})? (\d+(?:\.\d+)?)")

GO_ON = {"weaklink_log_entries", "weaklink_alerts"}


def read(desk: CaseDesk) -> dict[str, float]:
    """The figures by name, with the value of their label behind it."""
    answer = desk.http.get("/metrics", headers=desk.by("supervisor-1"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = answer.text.splitlines()
    found = [LINE.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(found), answer.text
    figures = [match for match in found if match is not None]
    named = {match[1] for match in figures}
    assert {line.split()[2] for line in lines if line.startswith("# HELP ")} == named
    assert {tuple(line.split()[2:]) for line in lines if line.startswith("# TYPE ")} == {
        (each, "gauge") for each in named
    }
    return {match[1] + (f".{match[3]}" if match[3] else ""): float(match[4]) for match in figures}


def moved(desk: CaseDesk, before: dict[str, float]) -> dict[str, float]:
    """By how much each figure is another one now; that time goes on and rings, and the log grows, is left out."""
    after = read(desk)
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    return {name: by for name, by in changed.items() if "seconds" not in name and name not in GO_ON}


def test_nobody_reads_them_but_supervisors(desk: CaseDesk) -> None:
    assert desk.http.get("/metrics").status_code == 401
    assert desk.http.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert desk.http.get("/metrics", headers=desk.by("agent-1")).status_code == 403


def test_a_monitoring_system_reads_them_by_the_token_of_the_settings(desk: CaseDesk) -> None:
    desk.house.parts.settings.metrics_token = SecretStr("of the monitoring system")
    for word, status in (("of the monitoring system", 200), ("of another", 401)):
        assert desk.http.get("/metrics", headers={"authorization": f"Bearer {word}"}).status_code == status


def test_each_case_counts_with_what_its_customer_was_asked_for(desk: CaseDesk) -> None:
    before, told = read(desk), desk.not_fixed()
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    counted = moved(desk, before)
    assert {name: counted[name] for name in counted if "promises" not in name} == {
        "weaklink_cases": 1,
        "weaklink_open_cases": 1,
        "weaklink_asks": 1,
    }


def test_days_are_on_us_but_for_those_in_which_an_ask_is_open(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    house = desk.house.parts.house

    def ten_days_ms() -> int:
        """By how much it grows in ten days."""
        with house.read() as session:
            now_ms = house.clock.now_ms()
            then = measure(session, now_ms=now_ms + 10 * DAY_MS)
            return then.on_us_ms - measure(session, now_ms=now_ms).on_us_ms

    before = ten_days_ms()
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    assert before - ten_days_ms() == 10 * DAY_MS


def test_a_promise_counts_as_kept_once_something_proves_it(desk: CaseDesk) -> None:
    before = read(desk)
    desk.not_fixed()
    assert moved(desk, before)["weaklink_promises.kept"] == 1


@pytest.mark.parametrize(("late_ms", "credited", "outcome"), [(DAY_MS, 646, "missed"), (0, 0, None)])
def test_a_promise_whose_day_has_passed_is_missed(
    desk: CaseDesk, late_ms: int, credited: int, outcome: str | None
) -> None:
    before, told = read(desk), desk.report()
    with desk.house.parts.house.unit() as unit:
        due_ms = unit.now_ms + HOUR_MS - late_ms
        made = Promise(
            id=unit.ids.new("promise"),
            case_id=told["dispute"],
            what="a call",
            amount_pence=None,
            due_ms=due_ms,
            method="by telephone",
            owner="agent-1",
            made_ms=due_ms - DAY_MS,
            state="missed" if late_ms else "made",
            credited_pence=credited,
        )
        case_book.put_promise(unit, made)
    assert {name for name in moved(desk, before) if "promises" in name} == (
        {f"weaklink_promises.{outcome}"} if outcome else set()
    )


def test_a_decline_counts_and_so_does_that_it_was_taken_back(desk: CaseDesk) -> None:
    told, before = desk.not_fixed(), read(desk)
    path = f"/v1/disputes/{told['dispute']}/events"
    body = {"event": "propose_decline", "findings": [SEEN]}
    assert desk.http.post(path, json=body, headers=desk.by("investigator-1")).is_success
    desk.speaks(told)
    assert desk.event(told, "supervisor-1", "decline", why="Seen.", heard=True).is_success
    assert moved(desk, before) == {"weaklink_declines": 1}
    assert desk.event(told, "supervisor-1", "we_changed_our_mind").is_success
    assert moved(desk, before) == {"weaklink_declines": 1, "weaklink_declines_overturned": 1}


def test_a_lock_is_released_in_time_or_late(desk: CaseDesk) -> None:
    desk.register("490154203237518")
    told, now_ms = desk.report(), desk.house.parts.clock.now_ms()
    since_ms, lately_ms = now_ms - 2 * HOUR_MS, now_ms - MINUTE_MS
    for number, (let_go_ms, free_ms, outcome) in enumerate(
        [
            (since_ms, since_ms + HOUR_MS, "in_time"),
            (since_ms, since_ms + HOUR_MS + 1, "late"),
            (since_ms, None, "late"),
            (lately_ms, None, None),
        ]
    ):
        before, state = read(desk), OrderState.RELEASED if free_ms else OrderState.RELEASE_QUEUED
        order, imei = f"lock-{number}", "490154203237518"
        desk.put_lock(told, order, imei, state=state, release_ms=let_go_ms, released_ms=free_ms)
        assert set(moved(desk, before)) == ({f"weaklink_lock_releases.{outcome}"} if outcome else set())


def test_who_is_woken_reads_what_waits_and_what_is_wrong(desk: CaseDesk) -> None:
    """A lock that does not leave, an alert that nobody sees and a stopped office are figures that can ring."""
    parts, before = desk.house.parts, read(desk)
    assert (before["weaklink_writes_failing"], before["weaklink_locks_stopped"]) == (0, 0)
    stop = {"on": True, "why": "a wrong list came in"}
    assert desk.http.post("/v1/kill-switch", json=stop, headers=desk.by("supervisor-1")).is_success
    with parts.house.unit() as unit:
        expires_ms, created_ms = unit.now_ms + DAY_MS, unit.now_ms - 90 * SECOND_MS
        outbox.put(unit, topic="dl/v1/dev-9/cmd", payload=b"x", key="dev-9", priority=10, expires_ms=expires_ms)
        unit.session.execute(update(OutboxRow).where(col(OutboxRow.key) == "dev-9").values(created_ms=created_ms))
    after = read(desk)
    assert after["weaklink_locks_stopped"] == 1
    assert after["weaklink_alerts"] == before["weaklink_alerts"] + 1
    assert after["weaklink_messages_waiting"] == before["weaklink_messages_waiting"] + 1
    assert after["weaklink_message_waiting_seconds"] >= 90
    assert after["weaklink_log_entries"] > before["weaklink_log_entries"]
    assert after["weaklink_log_entries_uncosigned"] == 0, "nobody was asked to cosign"
    parts.house.writes = False
    assert read(desk)["weaklink_writes_failing"] == 1
    parts.house.writes = True
