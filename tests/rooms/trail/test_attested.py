"""Only a verifier of another firm makes a recorded check a verified one, and nobody is convicted on a disputed one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.investigation.passage import Pin
from custody.investigation.read_before import READINGS
from custody.investigation.read_passage import read_way
from custody.trail.attested import Attested, Checks, checks_of, doubted_at
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.sealed import SealedScan
from custody.trail.trail import Trail, build_trail
from tests.rooms.trail.world import CARRIER, PARCEL, SELLER, World, kinds

CARRIER_AS_URN = "urn:epc:id:pgln:9521886.00001"
PINS, POST = "urn:example:pins", "urn:example:post"


@pytest.fixture
def world() -> World:
    return World().journey()


def said(sealed: SealedScan, *, held: bool = True, **other: Any) -> Attested:
    facts = {"index": 900, "received_ms": 0, "verifier": "pins", "custodian": PINS, "check": "pin6"}
    return Attested(**{**facts, "scan": sealed.digest, "held": held, **other})


def trail_with(world: World, *words: Attested, edition: ReadingEdition = NEWEST) -> Trail:
    checks = checks_of(world.scans, words)
    return build_trail(world.belongings(), world.scans, checks=checks, edition=edition)


def pin_with(world: World, *words: Attested, edition: ReadingEdition = NEWEST) -> Pin:
    way = read_way(PARCEL, world.scans, READINGS[edition], checks_of(world.scans, words))
    assert way is not None
    return way.pin


def test_a_check_that_a_verifier_attests_is_verified_everywhere(world: World) -> None:
    word = said(world.scans[-1])
    trail = trail_with(world, word)
    assert (trail.delivery.strength, trail.delivery.check_verified) == ("pin_sealed", True)
    assert "which nobody has verified" not in trail.delivery.sentence
    assert trail.handovers[-1].sentence == "A verifier attests that the check of the recipient held."
    assert pin_with(world, word) is Pin.VERIFIED


def test_a_check_that_a_verifier_refutes_is_none(world: World) -> None:
    word = said(world.scans[-1], held=False)
    trail = trail_with(world, word)
    assert (trail.delivery.strength, trail.delivery.check_verified) == ("none", None)
    assert {"check_refuted", "delivery_unproved"} <= kinds(trail)
    assert pin_with(world, word) is Pin.ABSENT


def test_a_scan_that_delivers_by_its_check_alone_delivers_no_more_once_that_is_refuted() -> None:
    world = World().journey(deliver=False)
    world.deliver(disposition="in_transit", destinationList=None)
    assert trail_with(world).holder.kind == "recipient"
    refuted = said(world.scans[-1], held=False)
    assert trail_with(world, refuted).delivery.strength == "not_delivered"
    assert pin_with(world, refuted) is Pin.UNOBSERVED


@pytest.mark.parametrize(
    "words",
    [
        ({}, {"held": False}),
        ({"held": False}, {"held": True, "verifier": "post", "custodian": POST}),
        ({"held": False, "index": 900}, {"held": True, "index": 901}, {"held": False, "index": 902}),
    ],
    ids=["one contradicts itself", "two disagree", "whoever says it last"],
)
def test_a_disputed_check_stays_a_recorded_one_and_the_trail_says_so(
    world: World, words: tuple[dict[str, Any], ...]
) -> None:
    disputed = [said(world.scans[-1], **word) for word in words]
    trail = trail_with(world, *disputed)
    assert (trail.delivery.strength, trail.delivery.check_verified) == ("pin_sealed", None)
    assert "which nobody has verified" in trail.delivery.sentence
    assert "check_disputed" in kinds(trail)
    assert "check_refuted" not in kinds(trail)
    assert pin_with(world, *disputed) is Pin.RECORDED


@pytest.mark.parametrize(
    "other",
    [
        {"custodian": CARRIER},
        {"custodian": CARRIER_AS_URN},
        {"custodian": CARRIER_AS_URN.replace("epc", "EPC")},
        {"custodian": f"{CARRIER_AS_URN}#pins"},
        {"custodian": f"{CARRIER_AS_URN}?=pins"},
        {"custodian": CARRIER[:-1] + str((int(CARRIER[-1]) + 1) % 10)},
        {"check": "signature"},
        {"doubted_at": 950},
        {"doubted_at": 900},
        {"scan": b"\x07" * 32},
    ],
    ids=[
        "the station's own firm",
        "the same in another spelling",
        "the same in capitals",
        "the same with a fragment",
        "the same with a question",
        "the same with a wrong check digit",
        "another check",
        "a key in doubt",
        "a key of no worth",
        "another scan",
    ],
)
@pytest.mark.parametrize("held", [True, False])
def test_a_word_that_does_not_fit_says_nothing(world: World, other: dict[str, Any], held: bool) -> None:  # noqa: FBT001 - a parameter of the test
    word = said(world.scans[-1], **{"held": held, **other})
    assert trail_with(world, word) == trail_with(world)
    assert pin_with(world, word) is Pin.RECORDED


def test_a_delivery_without_a_check_cannot_be_attested(world: World) -> None:
    world.deliver(pin=False)
    assert checks_of(world.scans, [said(world.scans[-1])]) == {}


@pytest.mark.parametrize("edition", [edition for edition in ReadingEdition if edition < ReadingEdition.SIXTH])
def test_by_the_editions_before_no_verifier_told_anything(world: World, edition: ReadingEdition) -> None:
    silent = pin_with(world, edition=edition)
    assert {pin_with(world, said(world.scans[-1], held=held), edition=edition) for held in (True, False)} == {silent}


@pytest.mark.parametrize(
    ("index", "revoked", "suspect_from", "doubted"),
    [
        (10, None, None, None),
        (5, None, None, 5),
        (10, 20, 20, None),
        (10, 20, 10, 20),
        (9, 20, 10, None),
        (20, 20, 20, 20),
    ],
)
def test_a_verifiers_word_counts_while_its_key_is_valid_by_the_log(
    index: int, revoked: int | None, suspect_from: int | None, doubted: int | None
) -> None:
    assert doubted_at(index, added=5, revoked=revoked, suspect_from=suspect_from) == doubted


WORDS = st.lists(
    st.fixed_dictionaries(
        {
            "held": st.booleans(),
            "verifier": st.sampled_from(["pins", "post"]),
            "custodian": st.sampled_from([PINS, POST, CARRIER, SELLER]),
            "check": st.sampled_from(["pin6", "signature"]),
            "doubted_at": st.sampled_from([None, 950]),
        }
    ),
    max_size=6,
)
JOURNEY = World().journey()


def outcome(words: list[dict[str, Any]]) -> Checks:
    return checks_of(JOURNEY.scans, [said(JOURNEY.scans[-1], **word) for word in words])


@given(words=WORDS)
def test_a_check_is_refuted_only_if_all_that_count_refute_it(words: list[dict[str, Any]]) -> None:
    counting = [
        word["held"]
        for word in words
        if word["custodian"] != CARRIER and word["check"] == "pin6" and word["doubted_at"] is None
    ]
    digest = JOURNEY.scans[-1].digest
    found = outcome(words)
    assert (digest in found) is bool(counting)
    if counting:
        assert found[digest] is (counting[0] if len(set(counting)) == 1 else None)


@given(words=WORDS, more=WORDS)
def test_more_words_never_turn_a_verdict_round_and_their_order_plays_no_part(
    words: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    digest = JOURNEY.scans[-1].digest
    before, after = outcome(words), outcome([*words, *more])
    assert outcome([*reversed(more), *reversed(words)]) == after
    if digest in before:
        assert after[digest] in {before[digest], None}
