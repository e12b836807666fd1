import hashlib
import hmac
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


@pytest.mark.parametrize(
    ("suite", "size", "answers"),
    [
        ("SHA256-8:QA08", 32, "28247970 01984843 65387857 03351211 83412541"),
        ("SHA512-8:QA08", 64, "79496648 76831980 12250499 90856481 12761449"),
    ],
)
def test_every_vector_of_rfc_6287_in_which_the_server_answers(suite: str, size: int, answers: str) -> None:
    """Appendix C.2: the question of the other party, the client, comes first."""
    for number, answer in enumerate(answers.split()):
        client, server = f"CLI2222{number}", f"SRV1111{number}"
        for asked in ({"question": client, "own_question": server}, {"question": client + server}):
            assert ocra(f"OCRA-1:HOTP-{suite}", rfc_key(size), **asked) == answer


@pytest.mark.parametrize(
    ("suite", "size", "answers"),
    [
        ("SHA256-8:QA08", 32, "15510767 90175646 33777207 95285278 28934924"),
        ("SHA512-8:QA08-PSHA1", 64, "18806276 70020315 01600026 18951020 32528969"),
    ],
)
def test_every_vector_of_rfc_6287_in_which_the_client_answers(suite: str, size: int, answers: str) -> None:
    """Appendix C.2: the question of the other party, now the server, comes first."""
    for number, answer in enumerate(answers.split()):
        client, server = f"CLI2222{number}", f"SRV1111{number}"
        pin_hash = PIN if "PSHA1" in suite else None
        name = f"OCRA-1:HOTP-{suite}"
        assert ocra(name, rfc_key(size), question=server, own_question=client, pin_hash=pin_hash) == answer


def test_every_vector_of_rfc_6287_of_a_signature() -> None:
    """Appendix C.3: what is signed is the question."""
    for number, answer in enumerate(["53095496", "04110475", "31331128", "76028668", "46554205"]):
        assert ocra("OCRA-1:HOTP-SHA256-8:QA08", rfc_key(32), question=f"SIG1{number}000") == answer
    for number, answer in enumerate(["77537423", "31970405", "10235557", "95213541", "65360607"]):
        question = f"SIG1{number}00000"
        suite = "OCRA-1:HOTP-SHA512-8:QA10-T1M"
        assert ocra(suite, rfc_key(64), question=question, time_step=0x132D0B6) == answer


def packed(*, question: bytes, session: bytes = b"") -> bytes:
    return question + bytes(128 - len(question)) + session


@pytest.mark.parametrize("question", ["a1b2c3d4", "A1B2C3D4", "00c0ffee"])
def test_a_hexadecimal_question_stands_as_it_is(question: str) -> None:
    """The reference code of Appendix A takes it as hexadecimal digits, left-aligned, leading zeros included."""
    suite = "OCRA-1:HOTP-SHA256-0:QH08"
    whole = hmac.new(KEY, suite.encode() + b"\x00" + packed(question=bytes.fromhex(question)), "sha256").hexdigest()
    assert ocra(suite, KEY, question=question) == whole


@pytest.mark.parametrize(("counter", "answer"), [(0, "213703"), (1, "429968")])
def test_the_published_answers_of_the_reference_code_to_a_hexadecimal_question(counter: int, answer: str) -> None:
    question = "00112233445566778899AABBCCDDEEFF" * 2
    assert ocra("OCRA-1:HOTP-SHA256-6:C-QH64", rfc_key(32), question=question, counter=counter) == answer


def test_half_a_byte_of_a_hexadecimal_question_is_filled_with_a_zero_on_the_right() -> None:
    suite = "OCRA-1:HOTP-SHA256-8:QH08"
    odd, filled, before = (ocra(suite, KEY, question=question) for question in ("abc", "abc0", "0abc"))
    assert odd == filled != before


def test_the_longest_questions_of_two_parties_fill_the_field() -> None:
    suite = "OCRA-1:HOTP-SHA1-0:QA64"
    whole = hmac.new(KEY, suite.encode() + b"\x00" + b"a" * 64 + b"b" * 64, "sha1").hexdigest()
    assert ocra(suite, KEY, question="a" * 64, own_question="b" * 64) == whole


def test_the_published_answer_to_a_question_with_session_data() -> None:
    """A value that another implementation publishes: a question of nine characters in two parts, S of 64 bytes."""
    session = bytes.fromhex(
        "00112233445566778899aabbccddeeff102132435465768798a9bacbdcedf0ef"
        "112233445566778899aabbccddeeff0089abcdef0123456789abcdef01234567"
    )
    suite = "OCRA-1:HOTP-SHA256-8:QA08-S064"
    assert ocra(suite, rfc_key(32), question="SESSION0", own_question="1", session=session) == "17477202"


@pytest.mark.parametrize(("length", "size"), [("001", 1), ("064", 64), ("128", 128), ("512", 512)])
def test_session_data_are_padded_on_the_left_to_the_length_of_the_suite(length: str, size: int) -> None:
    """RFC 6287 section 6.3, and the reference code of Appendix A."""
    suite = f"OCRA-1:HOTP-SHA512-0:QN08-S{length}"
    field = packed(question=b"\xab", session=b"\x01".rjust(size, b"\x00"))
    whole = hmac.new(KEY, suite.encode() + b"\x00" + field, "sha512").hexdigest()
    assert ocra(suite, KEY, question="171", session=b"\x01") == whole
    with pytest.raises(Rejected):
        ocra(suite, KEY, question="171", session=b"\x01" * (size + 1))


def test_every_input_has_its_place_and_its_length() -> None:
    """Section 5.1: C, Q, P, S and T, each of a fixed length."""
    suite = "OCRA-1:HOTP-SHA256-0:C-QH08-PSHA256-S128-T48H"
    pin_hash, session = hashlib.sha256(b"1234").digest(), b"\xff" * 128
    data = bytes([*bytes(7), 5]) + packed(question=b"\x0f") + pin_hash + session + bytes([*bytes(6), 1, 2])
    whole = hmac.new(KEY, suite.encode() + b"\x00" + data, "sha256").hexdigest()
    answer = ocra(suite, KEY, question="0F", counter=5, pin_hash=pin_hash, session=session, time_step=258)
    assert answer == whole


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_counter_or_time_step_that_no_eight_bytes_hold_is_refused(number: int) -> None:
    with pytest.raises(Rejected):
        ocra(SUITE, KEY, question="1", counter=number)
    with pytest.raises(Rejected):
        ocra("OCRA-1:HOTP-SHA256-8:QN08-T1M", KEY, question="1", time_step=number)


@pytest.mark.parametrize("step", ["1S", "59S", "1M", "59M", "1H", "10H", "30H", "48H"])
def test_a_time_step_of_a_range_of_the_rfc_is_taken(step: str) -> None:
    assert len(ocra(f"OCRA-1:HOTP-SHA256-8:QN08-T{step}", KEY, question="1", time_step=1)) == 8


@pytest.mark.parametrize("step", ["0S", "60S", "0M", "60M", "99M", "0H", "49H", "99H", "01S", "00H", "100S", ""])
def test_a_time_step_beyond_the_ranges_of_the_rfc_is_refused(step: str) -> None:
    """RFC 6287 section 6.3: 1 to 59 seconds or minutes, 1 to 48 hours: errata 3729, verified, takes the 0 out."""
    with pytest.raises(Rejected) as refused:
        ocra(f"OCRA-1:HOTP-SHA256-8:QN08-T{step}", KEY, question="1", time_step=1)
    assert refused.value.code == "suite"


@pytest.mark.parametrize(("question", "answer"), [("00000000", "63523896"), ("11111111", "82158731")])
def test_a_suite_without_counter_on_the_rfcs_key(question: str, answer: str) -> None:
    assert ocra("OCRA-1:HOTP-SHA256-8:QN08", rfc_key(32), question=question) == answer


@pytest.mark.parametrize(
    "suite",
    [
        "",
        SUITE + " ",
        "OCRA-2:HOTP-SHA256-8:QN08",
        "OCRA-1:HOTP-MD5-8:QN08",
        "OCRA-1:HOTP-SHA256-3:QN08",
        "OCRA-1:HOTP-SHA256-11:QN08",
        "OCRA-1:HOTP-SHA256-8:QB08",
        "OCRA-1:HOTP-SHA256-8:QA03",
        "OCRA-1:HOTP-SHA256-8:QA65",
        "OCRA-1:HOTP-SHA256-8:QN08-S000",
        "OCRA-1:HOTP-SHA256-8:QN08-S513",
        "OCRA-1:HOTP-SHA256-8:QN08-S64",
        "OCRA-1:HOTP-SHA256-8:QN08-S064-PSHA1",
        "OCRA-1:HOTP-SHA256-8:QN08-T1M-S064",
    ],
)
def test_a_suite_that_the_rfc_does_not_know_is_refused(suite: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(suite, KEY, question="1")
    assert refused.value.code == "suite"


def test_a_suite_gets_what_it_names_and_no_more() -> None:
    wrong: dict[str, Any]
    for wrong in ({}, {"counter": 1, "pin_hash": PIN}, {"counter": 1, "time_step": 1}, {"counter": 1, "session": b""}):
        with pytest.raises(Rejected):
            ocra(SUITE, KEY, question="1", **wrong)
    with pytest.raises(Rejected):
        ocra("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", KEY, question="1", pin_hash=b"short")


@pytest.mark.parametrize("question", ["123456789", "1234567a", "1234567\N{SUPERSCRIPT TWO}", ""])
def test_a_question_that_the_suite_does_not_allow_is_refused(question: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(SUITE, KEY, question=question, counter=1)
    assert refused.value.code == "question"
    with pytest.raises(Rejected) as refused:
        ocra(SUITE, KEY, question="1", own_question=question, counter=1)
    assert refused.value.code == "question"


def test_two_questions_that_come_joined_are_both_of_full_length_or_refused() -> None:
    for length in range(9, 20):
        if length != 16:
            with pytest.raises(Rejected) as refused:
                ocra("OCRA-1:HOTP-SHA256-8:QA08", KEY, question="a" * length)
            assert refused.value.code == "question"
    with pytest.raises(Rejected):
        ocra("OCRA-1:HOTP-SHA256-8:QA08", KEY, question="a" * 16, own_question="b" * 8)


@pytest.mark.parametrize(
    ("form", "question"), [("QA08", "SIG 1000"), ("QA08", "SIG1\N{LATIN SMALL LETTER E WITH ACUTE}"), ("QH08", "0x12")]
)
def test_a_question_has_the_characters_of_its_format_alone(form: str, question: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(f"OCRA-1:HOTP-SHA256-8:{form}", KEY, question=question)
    assert refused.value.code == "question"
