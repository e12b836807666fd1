"""Packs of cases whose lock took an unusual way hold like any other."""

from api.lock_file import lock_file
from custody.disputes.lock_wish import WishFacts
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import Verification
from custody.ledger.note import text_key
from custody.usecases import learn_facts
from custody.usecases.export_pack import Beside
from tests.rooms.pack.pack_world import export_pack
from tests.stories.lock_steps import ask
from tests.world import World
from tests.world_parts import ORIGIN, Opened, key


def verification_of(world: World, opened: Opened) -> Verification:
    """What a checker says of the pack of a case."""
    log = key("log")
    with world.house.unit() as unit:
        beside = Beside(locks=lock_file(unit.session, world.office, opened.case))
        pack = export_pack(unit, opened.case, log_signer=log, beside=beside)
    return verify_pack(pack.content, vkey=text_key(ORIGIN, log.public).vkey())


def test_the_pack_of_a_case_whose_customer_was_told_before_the_lock_holds(world: World) -> None:
    world.handset(world.parcels[0]).switch_on()
    world.deliver()
    opened = world.dispute(world.parcels[0], "damaged")
    with world.house.unit() as unit:
        lost = WishFacts(lost_on_return_leg=True)
        learn_facts.whereabouts(unit, opened.case, lock_facts=lost, actor="agent-1")
    assert ask(world, "agent-1", dispute=opened.case).state == "requested"
    verification_of(world, opened).demand()


def test_the_pack_of_a_case_in_which_a_lock_of_another_handset_was_asked_for_and_refused_holds(world: World) -> None:
    world.handset(world.parcels[0])
    other = world.dispute(world.parcels[1], "never_received")
    assert ask(world, "agent-1", dispute=other.case).state == "refused"
    verification = verification_of(world, other)
    verification.demand()
    assert [check.ok for check in verification.checks if "a lock of another handset was asked for" in check.what] == [
        None
    ]
