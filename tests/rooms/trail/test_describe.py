"""A trail as plain values."""

import json
from typing import Any

import pytest

from custody.trail.describe import describe_trail, mask_serial
from tests.rooms.trail.world import (
    CAGE,
    HOME,
    PARCEL,
    PARCEL_2,
    PHONE,
    PHONE_2,
    PHONE_IMEI,
    World,
    ni,
    wl,
)


def rich() -> World:
    """A trail with something in every part."""
    world = World().journey(deliver=False)
    world.weigh("courier-7", 900)
    world.obj("courier-7", epcList=[PHONE_2], disposition="mismatch_instance", **wl({"wl:expected": PHONE}))
    world.load("courier-7", CAGE, [PARCEL, PARCEL_2])
    world.obj("courier-7", **wl({"wl:sealState": "broken", "wl:photo": ni(b"\x05" * 32)}))
    world.deliver(readPoint={"id": "geo:52.20,0.12"})
    world.obj("depot-2", "arriving", result="quarantined", flags=["clock_quarantine"])
    world.declare(world.weigh("depot-2", 541))
    return world


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in (key, *leaves(item))]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def test_only_texts_whole_numbers_booleans_and_none() -> None:
    plain = describe_trail(rich().trail())
    assert {type(leaf) for leaf in leaves(plain)} <= {str, int, bool, type(None)}
    assert json.loads(json.dumps(plain)) == plain


def test_every_part_of_the_trail_is_told() -> None:
    world = rich()
    trail = world.trail()
    plain = describe_trail(trail)
    assert len(plain["links"]) == len(trail.links)
    assert plain["segments"][1]["dwell_ms"] == trail.segments[1].dwell_ms
    assert plain["weight"]["readings"][0]["mass_mg"] == 538_000
    assert plain["weight"]["readings"][-1]["band"] == "out"
    assert [sight["state"] for sight in plain["seal"]["sights"]][-2:] == ["broken", "not_read"]
    assert plain["contents"]["bad"] == trail.contents.bad
    assert plain["delivery"]["strength"] == "pin_sealed"
    assert plain["photos"][0]["digest"] == ni(b"\x05" * 32)
    assert plain["holder"]["kind"] == "recipient"
    assert plain["corrections"][0]["reason"] == "did_not_occur"
    assert plain["quarantined"] == [trail.quarantined[0].index]
    assert [entry["index"] for entry in plain["entries"]] == [entry.index for entry in trail.entries]
    assert {finding["severity"] for finding in plain["findings"]} == {"serious", "look", "note"}


def test_handset_numbers_are_cut_to_four_digits() -> None:
    for start in (PARCEL, PHONE_IMEI, PHONE):
        text = json.dumps(describe_trail(rich().trail(start)))
        for secret in ("00101700", "001017004829159", "490154203237518"):
            assert secret not in text
        assert "...9159" in text


def test_no_home_no_recipient_no_proof_and_no_other_parcel_appears() -> None:
    text = json.dumps(describe_trail(rich().trail()))
    for secret in ("geo:", HOME, "hmac-sha-256", PARCEL_2, PARCEL_2[-18:]):
        assert secret not in text


def test_a_recipient_is_never_named_as_the_expected_taker() -> None:
    world = World()
    world.release("courier-7", to=HOME)
    assert describe_trail(world.trail())["holder"]["expected_parties"] == ["recipient"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (PHONE, "https://id.gs1.org/01/09521473003813/21/...9159"),
        (PHONE_IMEI, "...9159"),
        (HOME, "recipient"),
        (PARCEL, PARCEL),
    ],
)
def test_names_are_masked_by_kind(text: str, masked: str) -> None:
    assert mask_serial(text) == masked
