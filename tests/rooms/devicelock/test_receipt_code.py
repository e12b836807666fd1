import pytest

from custody.kernel.errors import Forbidden
from devicelock.rules.receipt_code import LETTERS, check_receipt_code, receipt_code

MASTER = b"m" * 32


def test_every_order_has_a_code_of_its_own() -> None:
    codes = {receipt_code(MASTER, f"order-{number}") for number in range(200)}
    assert len(codes) == 200
    assert {len(code) for code in codes} == {LETTERS}
    assert receipt_code(b"n" * 32, "order-1") not in codes


def test_a_code_that_was_sent_stays_right_whatever_version_checks_it() -> None:
    assert receipt_code(MASTER, "order-1") == "td9pf579hb"


def test_a_code_is_taken_however_it_was_typed() -> None:
    code = receipt_code(MASTER, "order-1")
    for typed in (code, code.upper(), f" {code[:5]}-{code[5:]} ", code.replace("0", "O").replace("1", "l")):
        check_receipt_code(MASTER, "order-1", typed)


@pytest.mark.parametrize("typed", ["", "0", "zzzzzzzzzz", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 10])
def test_another_code_is_refused_with_what_to_do(typed: str) -> None:
    with pytest.raises(Forbidden) as refused:
        check_receipt_code(MASTER, "order-1", typed)
    assert refused.value.fix
    with pytest.raises(Forbidden):
        check_receipt_code(MASTER, "order-2", receipt_code(MASTER, "order-1"))
