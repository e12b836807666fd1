"""Stories of what is given outside the offer: answered in time or rung for, once, in packs, and erased."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.exception_alerts import tell_approver
from api.parts import Parts
from api.people import persons
from api.rounds import timer
from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import Told
from custody.disputes.promise import BY_OUR_WORD, Promise
from custody.investigation.verify.pack import verify_pack
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Conflict
from custody.ledger.note import text_key
from custody.store import case_book, exception_book, lesson_book
from custody.usecases import allow_exception, learn_lesson, move_case, settle_answers
from custody.usecases.allow_exception import Given
from custody.usecases.erase import erase
from custody.usecases.export_pack import Beside
from custody.usecases.sweep_promises import sweep_promises
from devicelock import watch_store
from tests.rooms.pack.pack_world import export_pack
from tests.stories.case_steps import act, put_right
from tests.stories.lock_steps import lines_of, told
from tests.stories.test_one_remedy import choose
from tests.stories.test_promises import round_of_cases
from tests.world import World
from tests.world_parts import ORIGIN, Opened, key, person_of

ASKED_FOR, GAP = "a phone on loan in Lisbon", "Loans are for this country alone."
SWAP = "a swap at your door in Leeds"


def ask(world: World, opened: Opened, asked_for: str = ASKED_FOR) -> str:
    world.kept.secrets.append(asked_for.encode())
    who: dict[str, Any] = {"asked_by": person_of("agent-1"), "actor": "agent-1", "approvers": persons.approvers}
    act(world, allow_exception.ask, opened, asked_for=asked_for, gap=GAP, tell=tell_approver, **who)
    with world.house.read() as session:
        return exception_book.of_case(session, opened.case)[-1].id


def by(account: str) -> dict[str, Any]:
    return {"actor": account, "role": CaseRole.SUPERVISOR, "may_approve": lambda *_: {account}}


def answered_twice(world: World, opened: Opened) -> None:
    """Two of us answered one question, and the second one is better."""
    world.kept.secrets.append(SWAP.encode())
    at = {"told_us_ms": world.clock.now_ms(), "what": SWAP}
    answers = (Told(by_whom="the shop", **at), Told(by_whom="the chat", amount_pence=2_000, **at))
    said: dict[str, Any] = {"answers": answers, "rather": None, "actor": "agent-1", "keepers": persons.supervisors}
    act(world, settle_answers.settle, opened, **said)


def held(world: World, opened: Opened) -> list[Promise]:
    with world.house.read() as session:
        return case_book.promises(session, opened.case)


def pack_holds(world: World, opened: Opened) -> None:
    log = key("log")
    with world.house.unit() as unit:
        pack = export_pack(unit, opened.case, log_signer=log, beside=Beside())
    verify_pack(pack.content, vkey=text_key(ORIGIN, log.public).vkey()).demand()


def let_the_timer_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "EVERY_S", 0.02)
    parts: Any = SimpleNamespace(house=world.house, locks=world.office, clock=world.clock)
    running = timer.Timer(cast("Parts", parts))
    running.start()
    time.sleep(0.8)
    running.stop()


def rings(world: World, kind: str) -> list[str]:
    with world.house.read() as session:
        return [row.about for row in watch_store.alerts(session, seen=False) if row.kind == kind]


def test_the_service_rings_for_what_nobody_answers_and_gives_it_to_another_approver(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = world.dispute(None, "defective")
    name = ask(world, opened)
    assert rings(world, "exception_asked") == [name]
    world.clock.at_ms += HOUR_MS - 5 * 60_000
    let_the_timer_look(world, monkeypatch)
    assert rings(world, "exception_unanswered") == [], "its hour is not over"
    world.clock.at_ms += 10 * 60_000
    let_the_timer_look(world, monkeypatch)
    assert rings(world, "exception_unanswered") == [name]
    assert len(lines_of(world, opened, "exception_passed_on")) == 1
    with world.house.read() as session:
        (asked,) = exception_book.of_case(session, opened.case)
    assert (asked.passed, asked.state) == (1, "asked")
    act(world, allow_exception.grant, opened, exception=name, gives=Given(), **by("supervisor-1"))


def test_the_service_rings_once_for_a_lesson_that_nobody_learned_in_its_days(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = world.dispute(None, "defective")
    name = ask(world, opened)
    act(world, allow_exception.grant, opened, exception=name, gives=Given(), **by("supervisor-1"))
    with world.house.read() as session:
        (lesson,) = lesson_book.of_case(session, opened.case)
    world.clock.at_ms = lesson.due_ms - 60_000
    let_the_timer_look(world, monkeypatch)
    assert rings(world, "lesson_overdue") == []
    world.clock.at_ms = lesson.due_ms + 60_000
    let_the_timer_look(world, monkeypatch)
    assert rings(world, "lesson_overdue") == [lesson.id]
    with world.house.unit() as unit:
        learn_lesson.learn(unit, lesson.id, change="Changed.", actor="supervisor-1", role=CaseRole.SUPERVISOR)
    assert len(lines_of(world, opened, "lesson_learned")) == 1


def test_nobody_waits_for_it_and_only_silence_closes_no_case_while_it_is_asked(world: World) -> None:
    opened = world.dispute(None, "never_received")
    name = ask(world, opened)
    put_right(world, opened)
    world.step(20 * DAY_MS)
    round_of_cases(world)
    assert world.case(opened).case.state == "remedied"
    act(world, allow_exception.grant, opened, exception=name, gives=Given(), **by("supervisor-1"))
    act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    assert world.case(opened).case.state == "closed"


def test_a_yes_in_the_words_of_a_remedy_is_that_remedy_and_comes_once(world: World) -> None:
    opened = world.dispute(None, "never_received")
    yes = Given(what="A new phone sent to you.")
    first, second = ask(world, opened), ask(world, opened, "another phone in Lisbon")
    act(world, allow_exception.grant, opened, exception=first, gives=yes, **by("supervisor-1"))
    with pytest.raises(Conflict, match="has a new phone sent to you already"):
        act(world, allow_exception.grant, opened, exception=second, gives=yes, **by("supervisor-1"))
    choose(world, opened, "refund")
    owed = [one.what for one in held(world, opened) if one.state in {"made", "due_soon"}]
    assert owed == ["your money back"], "a choice takes its place"
    instead = Given(what="a taxi to the shop")
    act(
        world,
        allow_exception.give_instead,
        opened,
        exception=second,
        gives=instead,
        why="It is one order.",
        **by("supervisor-1"),
    )
    assert "This is why: It is one order." in told(world, opened)


def test_a_promise_of_it_that_is_late_earns_its_credit_as_any_other(world: World) -> None:
    opened = world.dispute(None, "defective")
    name = ask(world, opened)
    act(world, allow_exception.grant, opened, exception=name, gives=Given(), **by("supervisor-1"))
    world.step(36 * HOUR_MS)
    with world.house.unit() as unit:
        sweep_promises(unit)
    (promise,) = [one for one in held(world, opened) if one.source == BY_OUR_WORD]
    assert (promise.state, promise.credited_pence) == ("missed", 646)


def test_a_pack_holds_with_all_of_it_and_an_erasure_leaves_no_word_of_it(world: World) -> None:
    opened = world.dispute(None, "defective")
    yes, other = ask(world, opened), ask(world, opened, "a bigger phone in Lisbon")
    act(world, allow_exception.grant, opened, exception=yes, gives=Given(), **by("supervisor-1"))
    top = Given(what="a voucher of Lisbon", amount_pence=1_000, beside=True)
    world.kept.secrets.append(b"a voucher of Lisbon")
    act(
        world,
        allow_exception.give_instead,
        opened,
        exception=other,
        gives=top,
        why="None is left.",
        **by("supervisor-1"),
    )
    answered_twice(world, opened)
    pack_holds(world, opened)
    for promise in held(world, opened):
        if promise.source == BY_OUR_WORD:
            kept: dict[str, Any] = {"promise": promise.id, "reference": promise.id, "actor": "agent-1"}
            act(world, move_case.promise_kept, opened, role=CaseRole.AGENT, **kept)
    pack_holds(world, opened)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    with world.house.unit() as unit:
        erase(unit, opened.case, reason="asked for", actor="supervisor-1", holds=lambda *_: ())
    with world.house.read() as session:
        assert exception_book.of_case(session, opened.case) == []
        assert {lesson.says for lesson in lesson_book.of_case(session, opened.case)} == {"erased"}
