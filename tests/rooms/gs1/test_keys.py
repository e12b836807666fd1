"""Keys we issue are right, and keys that are not right do not become ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.canonical import canonical, gs1_key, strict_key
from custody.gs1.keys import (
    KINDS,
    Key,
    checked,
    issue_giai,
    issue_gln,
    issue_grai,
    issue_gsrn,
    issue_gtin,
    issue_pgln,
    issue_sgtin,
    issue_sscc,
)
from custody.kernel.errors import Rejected

OURS = "9521473"
PREFIXES = st.text(alphabet="0123456789", min_size=6, max_size=11)


@pytest.mark.parametrize(
    ("key", "uri"),
    [
        (issue_sscc(OURS, 8816), "/00/195214730000088169"),
        (issue_gtin(OURS, 381), "/01/09521473003813"),
        (issue_sgtin("09521473003813", "001017004829159"), "/01/09521473003813/21/001017004829159"),
        (issue_gln(OURS, 10), "/414/9521473000102"),
        (issue_gln(OURS, 10, extension="BENCH07"), "/414/9521473000102/254/BENCH07"),
        (issue_pgln("9521886", 1), "/417/9521886000010"),
        (issue_gsrn("9521886", 4417), "/8018/952188600000044173"),
        (issue_gsrn("9521886", 4417, provider=True), "/8017/952188600000044173"),
        (issue_grai(OURS, 12, "C7"), "/8003/09521473000126C7"),
        (issue_giai(OURS, "SEAL0088213"), "/8004/9521473SEAL0088213"),
        (checked("401", "9521473C/1"), "/401/9521473C%2F1"),
        (checked("402", "95214730000000010"), "/402/95214730000000010"),
        (checked("253", "9521473000096PO-1"), "/253/9521473000096PO-1"),
    ],
)
def test_issued_keys_have_their_canonical_uri_and_read_back(key: Key, uri: str) -> None:
    assert key.uri == "https://id.gs1.org" + uri
    assert gs1_key(key.uri) == key
    assert strict_key(key.uri) == key
    assert key.wrong_check_digit() is None


@given(PREFIXES, st.integers(min_value=0, max_value=9999), st.integers(min_value=0, max_value=9))
def test_the_epc_urn_and_the_issued_sscc_are_one_thing(prefix: str, serial: int, extension: int) -> None:
    key = issue_sscc(prefix, serial, extension=extension)
    urn = f"urn:epc:id:sscc:{prefix}.{extension}{str(serial).zfill(16 - len(prefix))}"
    assert canonical(urn).uri == key.uri


@pytest.mark.parametrize("digit", "012345678")
def test_a_wrong_check_digit_is_refused_in_a_key_of_ours(digit: str) -> None:
    with pytest.raises(Rejected) as caught:
        checked("00", "19521473000008816" + digit)
    assert caught.value.code == "check_digit"
    assert "check digit is 9" in caught.value.detail


@pytest.mark.parametrize(
    ("ai", "value"),
    [
        ("00", "19521473000008816"),
        ("00", "1952147300000881690"),
        ("00", "19521473000008816A"),
        ("00", "195214730000088169\n"),
        ("00", "\u066195214730000088169"),
        ("01", "9521473003813"),
        ("414", ""),
        ("8004", ""),
        ("8004", "ABCDEF"),
        ("8004", "9521473" + "X" * 24),
        ("8004", "9521473 X"),
        ("8003", "19521473000126"),
        ("99", "ABC"),
        ("", ""),
    ],
)
def test_a_wrong_length_or_character_is_refused(ai: str, value: str) -> None:
    with pytest.raises(Rejected) as caught:
        checked(ai, value)
    assert caught.value.code == "key"


@pytest.mark.parametrize("serial", ["", "X" * 21, "a b", "a\u00e9", "a^b"])
def test_a_serial_of_the_wrong_form_is_refused(serial: str) -> None:
    with pytest.raises(Rejected):
        issue_sgtin("09521473003813", serial)


def test_a_qualifier_of_another_key_is_refused() -> None:
    with pytest.raises(Rejected):
        checked("00", "195214730000088169", ("21", "X"))


@pytest.mark.parametrize("prefix", ["", "12345", "1234567890123", "95214X3", "-952147", "\u0669521473"])
def test_what_is_no_company_prefix_issues_nothing(prefix: str) -> None:
    for issue in (issue_sscc, issue_gtin, issue_gln, issue_pgln, issue_gsrn):
        with pytest.raises(Rejected):
            issue(prefix, 0)


@pytest.mark.parametrize("number", [-1, 10**9])
def test_numbers_that_do_not_fit_issue_nothing(number: int) -> None:
    for issue in (issue_gtin, issue_gln, issue_pgln):
        with pytest.raises(Rejected):
            issue("95214730001", number)
    with pytest.raises(Rejected):
        issue_sscc(OURS, 1, extension=number)


def test_a_twelve_digit_prefix_leaves_no_room_for_a_place_number() -> None:
    assert issue_gln("952147300010", 0).uri == "https://id.gs1.org/414/9521473000102"
    with pytest.raises(Rejected):
        issue_gln("952147300010", 1)


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=20))
def test_any_text_is_a_right_key_or_rejected(ai: str, value: str) -> None:
    try:
        key = checked(ai, value)
    except Rejected:
        return
    assert gs1_key(key.uri) == key


@pytest.mark.parametrize("uri", ["", "geo:52.20,0.12", "https://example.org/page", "urn:epc:id:sscc:9521473.1"])
def test_what_names_no_key_is_no_key_of_ours(uri: str) -> None:
    with pytest.raises(Rejected) as caught:
        strict_key(uri)
    assert caught.value.code == "key"


@pytest.mark.parametrize(
    "key",
    [
        issue_sscc("9521473", 8816),
        issue_gtin("9521473", 381, indicator=5),
        issue_gln("9521473", 10, extension="BENCH07"),
        issue_pgln("9521473", 10),
        issue_gsrn("9521473", 4417),
        issue_grai("9521473", 1, "412"),
        issue_giai("9521473", "SEAL0088213"),
        checked("402", "95214730000000072"),
        checked("253", "9521473000126SO1"),
    ],
)
def test_a_key_is_under_the_company_prefix_that_it_was_issued_with_and_under_no_other(key: Key) -> None:
    assert key.is_under(["9501234", "9521473"])
    assert not key.is_under(["521473", "952147399"])
