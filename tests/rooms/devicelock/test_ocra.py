import hashlib
from typing import Any

import pytest

from custody.kernel.errors import Rejected
from devicelock.rules.ocra import ocra
from devicelock.rules.unlock_code import SUITE

PIN = hashlib.sha1(b"1234").digest()  # noqa: S324 - the suite of the RFC names it
KEY = b"k" * 32


def rfc_key(size: int) -> bytes:
    return (b"1234567890" * 7)[:size]


@pytest.mark.parametrize(
    ("suite", "size", "answers"),
    [
        ("SHA1-6:QN08", 20, "237653 243178 653583 740991 608993 388898 816933 224598 750600 294470"),
        ("SHA256-8:QN08-PSHA1", 32, "83238735 01501458 17957585 86776967 86807031"),
        ("SHA512-8:QN08-T1M", 64, "95209754 55907591 22048402 24218844 36209546"),
        (
            "SHA256-8:C-QN08-PSHA1",
            32,
            "65347737 86775851 78192410 71565254 10104329 65983500 70069104 91771096 75011558 08522129",
        ),
        (
            "SHA512-8:C-QN08",
            64,
            "07016083 63947962 70123924 25341727 33203315 34205738 44343969 51946085 20403879 31409299",
        ),
    ],
)
def test_every_vector_of_rfc_6287_with_a_numeric_question(suite: str, size: int, answers: str) -> None:
    """Appendix C.1: the question is eight times a digit that counts up, or with counter and PIN always 12345678."""
    for number, answer in enumerate(answers.split()):
        given_answer = ocra(
            f"OCRA-1:HOTP-{suite}",
            rfc_key(size),
            question="12345678" if "C-QN08-PSHA1" in suite else str(number) * 8,
            counter=number if ":C-" in suite else None,
            pin_hash=PIN if "PSHA1" in suite else None,
            time_step=0x132D0B6 if "T1M" in suite else None,
        )
        assert given_answer == answer


@pytest.mark.parametrize("step", ["1S", "59S", "1M", "59M", "0H", "48H"])
def test_a_time_step_of_a_range_of_the_rfc_is_taken(step: str) -> None:
    assert len(ocra(f"OCRA-1:HOTP-SHA256-8:QN08-T{step}", KEY, question="1", time_step=1)) == 8


@pytest.mark.parametrize("step", ["0S", "60S", "0M", "60M", "99M", "49H", "99H", "01S", "00H", "100S"])
def test_a_time_step_beyond_the_ranges_of_the_rfc_is_refused(step: str) -> None:
    """RFC 6287 section 6.3: 1 to 59 seconds or minutes, 0 to 48 hours."""
    with pytest.raises(Rejected) as refused:
        ocra(f"OCRA-1:HOTP-SHA256-8:QN08-T{step}", KEY, question="1", time_step=1)
    assert refused.value.code == "suite"


@pytest.mark.parametrize(("question", "answer"), [("00000000", "63523896"), ("11111111", "82158731")])
def test_a_suite_without_counter_on_the_rfcs_key(question: str, answer: str) -> None:
    assert ocra("OCRA-1:HOTP-SHA256-8:QN08", rfc_key(32), question=question) == answer


@pytest.mark.parametrize(
    "suite", ["", "OCRA-1:HOTP-SHA256-8:QA08", "OCRA-1:HOTP-SHA256-8:QN08-S064", "OCRA-1:HOTP-MD5-8:QN08", SUITE + " "]
)
def test_a_suite_that_is_not_computed_here_is_refused(suite: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(suite, KEY, question="1")
    assert refused.value.code == "suite"


def test_a_suite_gets_what_it_names_and_no_more() -> None:
    wrong: dict[str, Any]
    for wrong in ({}, {"counter": 1, "pin_hash": PIN}, {"counter": 1, "time_step": 1}):
        with pytest.raises(Rejected):
            ocra(SUITE, KEY, question="1", **wrong)
    with pytest.raises(Rejected):
        ocra("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", KEY, question="1", pin_hash=b"short")


@pytest.mark.parametrize("question", ["123456789", "1234567a", "1234567\N{SUPERSCRIPT TWO}", ""])
def test_a_question_that_the_suite_does_not_allow_is_refused(question: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(SUITE, KEY, question=question, counter=1)
    assert refused.value.code == "question"
