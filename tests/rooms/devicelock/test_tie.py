from dataclasses import replace
from typing import Any

import pytest

from custody.kernel.errors import Rejected
from devicelock.rules.tie import APART_MS, TieRecord, TieState, independent, tie

IMEI = "490154203237518"
PICK = TieRecord(kind="pick", operator="shop", device="scanner-1", source="d1", at_ms=0, imei=IMEI)
WEIGH = TieRecord(kind="weigh", operator="carrier", device="scale-1", source="d2", at_ms=APART_MS, imei=IMEI)


def test_two_records_that_share_nothing_tie_the_imei() -> None:
    assert independent(PICK, WEIGH)
    assert tie([PICK, WEIGH]) is TieState.TIED


@pytest.mark.parametrize(
    "shared", [{"operator": "shop"}, {"device": "scanner-1"}, {"source": "d1"}, {"at_ms": APART_MS - 1}]
)
def test_records_that_share_operator_device_source_or_moment_are_one(shared: dict[str, Any]) -> None:
    assert not independent(PICK, replace(WEIGH, **shared))
    assert tie([PICK, replace(WEIGH, **shared)]) is TieState.SINGLE


@pytest.mark.parametrize("apart", [APART_MS, -APART_MS])
@pytest.mark.parametrize("less", [0, 1])
def test_moments_are_compared_with_each_other_whichever_came_first(apart: int, less: int) -> None:
    later = replace(PICK, at_ms=10 * APART_MS)
    other = replace(WEIGH, at_ms=later.at_ms + apart - (less if apart > 0 else -less))
    assert independent(later, other) is (less == 0)


def test_many_copies_of_one_scan_are_one_record() -> None:
    assert tie([PICK] * 5) is TieState.SINGLE


def test_one_disagreeing_record_forbids_whatever_the_others_say() -> None:
    other = replace(WEIGH, imei="356938035643809", source="d3")
    assert tie([PICK, WEIGH, other]) is TieState.DISAGREE


def test_check_digit_and_software_version_carry_no_identity() -> None:
    assert tie([PICK, replace(WEIGH, imei=IMEI[:14])]) is TieState.TIED
    assert tie([PICK, replace(WEIGH, imei=IMEI[:14] + "07")]) is TieState.TIED


def test_no_record_is_none() -> None:
    assert tie([]) is TieState.NONE


@pytest.mark.parametrize("imei", ["", "4901542032375", "490154203237518x", "1" * 17, "\N{ARABIC-INDIC DIGIT ONE}" * 15])
def test_what_is_not_an_imei_is_no_record(imei: str) -> None:
    with pytest.raises(Rejected):
        replace(PICK, imei=imei)
