"""Stories of whoever holds the handset: a code over the telephone, where it was seen, who bought it, who needs help."""

from types import SimpleNamespace
from typing import Any

import msgspec

from api import joints
from api.lock_file import lock_file
from api.lock_views import lock_view, own_lock
from api.routes.customer import customer_view, withdraw
from api.views import own_view
from custody.kernel.clock import HOUR_MS, MINUTE_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from devicelock import watch_store
from devicelock.rules.command import Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole
from devicelock.usecases.issue_code import CODES_PER_HOUR, issue_code
from devicelock.usecases.request_lock import request_lock
from tests.stories.lock_steps import ask, code_for, lines_of, told
from tests.stories.test_lock_cases import report_of_a_stranger
from tests.world import World

# Without a network.


def test_a_code_read_over_the_telephone_opens_the_lock_and_no_hello_brings_it_back(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    line = radio._line
    assert line is not None
    line.stop()
    assert radio.type_code(code_for(world, radio, radio.handset.question))
    assert not radio.handset.screen_locked
    line.start()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


def test_a_code_is_not_lost_with_the_database(world: World) -> None:
    backup = world.backup_with(world.parcels[0])
    opened, radio = world.locked_elsewhere()
    assert opened.order.state == "queued"
    world.restore(backup)
    with world.refused(NotFound, "lock"):
        code_for(world, radio, radio.handset.question)
    assert radio.type_code(code_for(world, radio, radio.handset.challenge)), "the screen says which lock it is"
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_lock_opened_by_code_stays_open_though_the_service_has_forgotten_giving_it(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    backup = world.backup()
    code = code_for(world, radio, radio.handset.question)
    world.restore(backup)
    assert world.order(opened.order.id).state == "active_provisional"
    assert radio.type_code(code)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


def test_an_old_word_about_a_code_does_not_open_the_next_lock(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    assert radio.type_code(code_for(world, radio, radio.handset.question))
    world.deliver()
    old = list(world.heard)
    again = world.dispute(world.parcels[0], "never_received")
    world.deliver()
    assert radio.handset.screen_locked
    for message in old:
        world.line.take(message)
    assert world.order(again.order.id).state == "active_provisional"
    assert world.order(opened.order.id).state == "released"


def test_a_guesser_gets_few_codes_and_people_hear_of_who_gives_many(world: World) -> None:
    _, radio = world.locked_elsewhere()
    for number in range(CODES_PER_HOUR):
        code_for(world, radio, f"{number:08d}")
    with world.refused(Rejected, "too_many"):
        code_for(world, radio, radio.handset.question)
    world.step(HOUR_MS)
    for number in range(CODES_PER_HOUR):
        code_for(world, radio, f"{number:08d}")
    assert "many_codes" in world.alerts()


def test_nobody_uses_up_the_codes_that_somebody_else_may_have(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    stranger = world.dispute(None, "never_received", item=world.parcels[0].unit.imei)

    def ask(case: str, digits: str) -> str:
        device, who = radio.handset.device, LockRole.CUSTOMER
        with world.house.unit() as unit:
            return issue_code(
                unit, world.office, name=device, challenge=digits, actor="customer", role=who, case=case, orders=[]
            )

    for number in range(CODES_PER_HOUR):
        ask(stranger.case, f"{number:08d}")
    with world.refused(Rejected, "too_many"):
        ask(stranger.case, "12345678")
    assert ask(opened.case, radio.handset.question) == code_for(world, radio, radio.handset.question)


# Seen somewhere.


def test_the_first_switch_on_reaches_the_case_with_country_network_and_whose_sim(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel, sim=SimClass.OTHER, country="RO", network="22610")
    opened = world.dispute(parcel, "substituted")
    radio.switch_on()
    world.deliver()
    (seen,) = lines_of(world, opened, "handset_seen")
    assert (seen["sim"], seen["country"], seen["network"]) == ("other", "RO", "22610")
    with world.house.read() as session:
        assert joints.attaches(session)[parcel.unit.imei_urn] == [seen["seen_ms"]]
        history = lock_file(session, world.office, opened.case).orders[0]
    assert seen["entry"] in history.indexes, "the signed record of it goes into the pack"


def test_what_was_seen_before_the_customer_spoke_is_in_the_case_from_its_first_moment(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    world.step(5 * HOUR_MS)
    opened = world.dispute(parcel, "never_received")
    (seen,) = lines_of(world, opened, "handset_seen")
    assert seen["seen_ms"] < world.clock.at_ms - 5 * HOUR_MS + MINUTE_MS
    for _ in range(3):
        radio.swap_sim(SimClass.OTHER, country="RO")
        radio.swap_sim(SimClass.OTHER, country="HU")
    world.deliver()
    assert [line["country"] for line in lines_of(world, opened, "handset_seen")] == ["RO", "HU"], "each place once"


def test_another_sim_in_a_handset_allows_no_lock_and_a_report_does_as_the_check_says(world: World) -> None:
    world.withdraw_authority()
    parcel = world.parcels[0]
    world.handset(parcel, sim=SimClass.OTHER, country="RO", network="22610").switch_on()
    world.deliver()

    alone = ask(world, "agent-1")
    checks = {row["check"]: row for row in msgspec.json.decode(alone.facts)["checks"]}
    found = checks["device_not_with_customer"]
    assert (alone.state, found["ok"]) == ("refused", None)
    assert found["allowed_by"] == "A case in which the customer does not have it."
    opened = world.dispute(parcel, "never_received")
    assert ask(world, "agent-1", dispute=opened.case).state == "requested"


def test_people_hear_of_a_locked_handset_with_the_customers_own_sim(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.swap_sim(SimClass.OWN, country="GB")
    world.deliver()
    assert "locked_on_own_sim" in world.alerts()
    assert radio.handset.screen_locked, "a new SIM may lie in the parcel: a person decides"
    assert world.order(opened.order.id).state == "active_provisional"


# Whoever holds it.


def test_who_bought_it_in_good_faith_says_so_and_learns_nothing_of_the_customer(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    screen = radio.handset.screen
    assert screen is not None
    assert screen.bought
    with world.house.unit() as unit:
        answered = joints.holder_speaks(unit, reference=screen.reference, words="I bought it at a market.")
    world.kept.secrets.append(b"I bought it at a market.")
    assert "You did nothing wrong" in answered.words
    assert (answered.file.case.order_ref, answered.file.imei, answered.file.parcel) == (None, None, None)
    assert "holder_spoke" in world.alerts()
    assert "holder_spoke" in [step.event for step in world.steps(opened.order.id)]
    assert radio.handset.screen_locked, "it stays locked; a person looks at it"
    with world.refused(NotFound, "order"), world.house.unit() as unit:
        joints.holder_speaks(unit, reference="lock_nothing", words="Is it mine?")


def test_one_alert_of_a_kind_until_somebody_has_looked(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    assert opened.order.id
    for _ in range(3):
        radio.swap_sim(SimClass.OWN, country="GB")
        world.deliver()
    assert world.alerts().count("locked_on_own_sim") == 1
    with world.house.unit() as unit:
        (row,) = watch_store.alerts(unit.session, seen=False)
        assert world.look_at(unit, row.id).seen_by == "person-of-supervisor-1"
    assert world.alerts() == []
    radio.swap_sim(SimClass.OWN, country="FR")
    world.deliver()
    assert world.alerts() == ["locked_on_own_sim"]


def test_a_lock_for_a_customer_who_needs_support_is_decided_by_the_specialist_it_names(world: World) -> None:
    world.withdraw_authority()
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received", support_needs=("calls in the morning",))
    assert opened.disputed.file.case.state == "remedy_offered", "the remedy waits for nothing"
    imei, facts = parcel.unit.imei, {"reason": Reason.NEVER_RECEIVED, "evidence": [], "dispute": opened.case}
    with world.house.unit() as unit:
        facts |= {"account": "agent-1", "specialist": "supervisor-2"}
        named = request_lock(unit, world.office, imei=imei, last4=imei[-4:], **facts)
    assert named.state == "requested"
    with world.refused(Forbidden, "lock_refused"):
        world.approve(named.id, "supervisor-1")
    world.approve(named.id, "supervisor-2")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked


def test_a_lock_by_standing_authority_for_a_customer_who_needs_support_is_decided_by_one_person(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    opened = world.dispute(parcel, "never_received", support_needs=("calls in the morning",))
    world.deliver()
    assert opened.order.state == "requested", "it waits for a person"
    assert opened.disputed.file.case.state == "remedy_offered", "the remedy waits for nothing"
    assert "locking it" not in told(world, opened)
    assert not radio.handset.screen_locked
    with world.refused(Forbidden, "lock_refused"):
        world.approve(opened.order.id, "nobody")
    world.approve(opened.order.id, "investigator-1")
    world.deliver()
    assert radio.handset.screen_locked
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


def test_who_read_a_number_off_the_box_does_not_learn_that_its_buyer_needs_support(world: World) -> None:
    parcel = world.parcels[0]
    world.handset(parcel)
    own = world.dispute(parcel, None, support_needs=("calls in the morning",))
    stranger = report_of_a_stranger(world, "never_received")
    assert stranger.order.state == "requested", "it waits for a person"
    file, token = world.case(stranger), stranger.disputed.token
    with world.house.read() as session:
        assert own_view(session, file)["locks"] == customer_view(session, token)["locks"] == []
        answer = own_lock(lock_view(session, stranger.lock), named=file.order_named)
        assert (answer["order"], answer["state"], answer["refused"]) == (None, None, "no lock was made")
        (told_of,) = customer_view(session, own.disputed.token)["locks"]
        assert told_of["state"] == "requested"
    world.approve(stranger.order.id, "investigator-1")
    with world.house.read() as session:
        (told_of,) = customer_view(session, token)["locks"]
    assert told_of["state"] == "queued"


def test_who_takes_the_report_back_need_not_wait_until_somebody_decides_its_lock(world: World) -> None:
    parcel = world.parcels[0]
    world.handset(parcel)
    opened = world.dispute(parcel, "never_received", support_needs=("calls in the morning",))
    assert opened.order.state == "requested"
    parts: Any = SimpleNamespace(house=world.house, locks=world.office)
    assert withdraw(opened.disputed.token, parts)["state"] == "withdrawn"
    assert world.order(opened.order.id).state == "refused"
    with world.refused(Conflict, "move"):
        world.approve(opened.order.id, "investigator-1")
