"""Digital Links: strict for what we issue, lenient for what others write, silent about hosts and queries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.gs1.canonical import canonical, gs1_key
from custody.gs1.digital_link import find_key, parse_link
from custody.gs1.keys import issue_giai
from custody.kernel.errors import Rejected

SSCC = "195214730000088169"
GTIN = "09521473003813"
PARCEL = f"https://id.gs1.org/00/{SSCC}"


@pytest.mark.parametrize(
    "spelling",
    [
        f"https://id.gs1.org/00/{SSCC}",
        f"http://shop.example/00/{SSCC}",
        f"HTTPS://shop.example/00/{SSCC}",
        f"https://shop.example:8443/a/b/00/{SSCC}?utm=1&10=X#top",
        f"https://[2001:db8::1]/00/{SSCC}",
        f"https://shop.example:/00/{SSCC}",
        f"https://shop.example/sscc/{SSCC}",
        "urn:epc:id:sscc:9521473.1000008816",
    ],
)
def test_host_query_and_spelling_do_not_identify(spelling: str) -> None:
    assert canonical(spelling).uri == PARCEL


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"01/{GTIN}/21/X1", f"01/{GTIN}/21/X1"),
        (f"01/{GTIN}/22/V/10/LOT/21/X1", f"01/{GTIN}/21/X1"),
        (f"01/{GTIN}/10/LOT", f"01/{GTIN}/10/LOT"),
        (f"01/{GTIN}/22/V", f"01/{GTIN}"),
        ("01/9521473003813/21/X1", f"01/{GTIN}/21/X1"),
        (f"01/{GTIN}/21/a%2fb", f"01/{GTIN}/21/a%2Fb"),
        (f"01/{GTIN}/21/a!b", f"01/{GTIN}/21/a%21b"),
        (f"01/{GTIN}/21/%41", f"01/{GTIN}/21/A"),
        ("8018/952188600000044173/8019/3", "8018/952188600000044173"),
        ("gmn/1987654Ad4X4bL5ttr2310c2K", "8013/1987654Ad4X4bL5ttr2310c2K"),
        ("415/9521473000102/refno/REF123", "415/9521473000102/8020/REF123"),
        ("417/9521473000102/7040/1ABC", "417/9521473000102/7040/1ABC"),
    ],
)
def test_only_the_finest_level_counts_in_one_percent_encoding(path: str, expected: str) -> None:
    assert canonical("https://example.org/" + path).uri == "https://id.gs1.org/" + expected


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.org/",
        "https://example.org/page",
        "https://example.org/99/ABC",
        f"https://example.org/00/{SSCC}/",
        f"https://example.org/00/{SSCC}/extra",
        f"https://example.org/00/{SSCC}1",
        f"https://example.org/01/{GTIN}/21/X1/10/LOT",
        f"https://example.org/01/{GTIN}/235/T/21/X1",
        f"https://example.org/01/{GTIN}/21/",
        f"https://example.org/01/{GTIN}/21/%ZZ",
        f"https://example.org/01/{GTIN}/21/%C3%A9",
        f"ftp://example.org/00/{SSCC}",
        "geo:52.20,0.12",
        "urn:uuid:2f1a3bfa-9f70-4e1e-8f2a-0b53b2a6a001",
        "",
    ],
)
def test_what_is_no_key_stays_itself(uri: str) -> None:
    assert find_key(uri) is None
    assert canonical(uri).uri == uri


def test_a_foreign_wrong_check_digit_is_a_warning_and_an_own_one_an_error() -> None:
    wrong = PARCEL[:-1] + "0"
    found = canonical(wrong)
    assert found.uri == wrong
    assert found.warning is not None
    assert "check digit is 9" in found.warning
    with pytest.raises(Rejected) as caught:
        parse_link(wrong)
    assert caught.value.code == "check_digit"


@pytest.mark.parametrize(
    "uri",
    [
        f"https://example.org/sscc/{SSCC}",
        "https://example.org/01/9521473003813",
        f"https://example.org/01/{GTIN}?10=LOT",
        f"https://example.org/01/{GTIN}?17=201225&17=201225",
        f"https://example.org/01/{GTIN}?999=X",
        f"https://example.org/01/{GTIN}?17=2012",
        f"https://example.org/00/{SSCC}?02=09521473003814",
        f"https://example.org/00/{SSCC}?99=a+b",
        f"https://example.org/00/{SSCC}?8026=09521473003813",
        f"https://example.org/00/{SSCC}?8043=1234567890123456781",
        f"https://example.org/01/{GTIN}/21/X1/10/LOT",
        f"https://example.org/01/{GTIN}/21/{'X' * 21}",
        f"https://example.org/00/{SSCC}/21/X1",
        f"hTTps://example.org/00/{SSCC}",
        f"https://exa mple.org/00/{SSCC}",
        f"https://example.org/00/{SSCC}<",
    ],
)
def test_the_strict_reader_refuses_what_the_lenient_one_overlooks(uri: str) -> None:
    with pytest.raises(Rejected):
        parse_link(uri)


GLN = "9521473000102"
GMN = "1987654Ad4X4bL5ttr2310c2K"


@pytest.mark.parametrize(
    "path",
    [
        f"8013/{GMN}",
        "8013/12345_%21%22%25%26%27%28%29%2A%2B%2C-.%2FLC",
        f"415/{GLN}/8020/REF123",
        f"415/{GLN}/8020/{'A' * 25}",
        *[f"{key}/7040/1AB{end}" for key in (f"414/{GLN}", f"417/{GLN}", "8004/4012345ABC123") for end in "C-_z9"],
        "8006/095060001343520101",
    ],
)
def test_models_payment_slips_tobacco_codes_and_pieces_are_keys(path: str) -> None:
    link = parse_link(f"https://example.org/{path}?utm=x")
    assert link.key.uri == f"https://id.gs1.org/{path}"
    assert canonical(link.key.uri).uri == link.key.uri


@pytest.mark.parametrize(
    "path",
    [
        f"8013/{GMN[:-1]}X",
        f"8013/4012345{'A' * 19}",
        f"8013/{GMN}/10/1",
        "8013/198",
        f"415/{GLN}",
        f"415/{GLN[:-1]}3/8020/REF123",
        f"415/{GLN}/8020/",
        f"415/{GLN}/8020/{'A' * 26}",
        f"414/{GLN}/8020/REF123",
        "8020/REF123",
        "8010/9521473PART-1/8011/0",
        "8010/9521473PART-1/8011/044",
        *[
            f"{key}/7040/{wrong}"
            for key in (f"414/{GLN}", "8004/4012345AB")
            for wrong in ("ABCD", "1AB", "1ABCD", "1AB.")
        ],
        f"414/{GLN}/254/E/7040/1ABC",
        f"00/{SSCC}/7040/1ABC",
        *[f"8006/09506000134352{pieces}" for pieces in ("0000", "0001", "0201")],
    ],
)
def test_what_the_standard_does_not_make_of_them_is_refused(path: str) -> None:
    with pytest.raises(Rejected):
        parse_link(f"https://example.org/{path}")


def test_a_part_with_a_leading_zero_before_its_number_is_still_read_on_foreign_labels() -> None:
    """What was read of it in a log stays as it was."""
    found = find_key("https://example.org/8010/9521473PART-1/8011/044")
    assert found is not None
    assert found.qualifier == ("8011", "044")
    assert parse_link("https://example.org/8010/9521473PART-1/8011/440").key.qualifier == ("8011", "440")


def test_a_payment_slip_needs_its_reference_and_a_foreign_models_wrong_pair_is_a_warning() -> None:
    assert find_key(f"https://example.org/415/{GLN}") is None
    found = canonical(f"https://example.org/8013/{GMN[:-1]}X")
    assert found.uri == f"https://id.gs1.org/8013/{GMN[:-1]}X"
    assert found.warning is not None
    assert "check characters 2K" in found.warning


def test_label_attributes_are_read_in_order() -> None:
    link = parse_link(f"https://example.org/00/{SSCC}?3301=000538&utm=x&4300=A%2BB&&99=C%2FD")
    assert link.key.uri == PARCEL
    assert link.path == (("00", SSCC),)
    assert link.attributes == (("3301", "000538"), ("4300", "A+B"), ("99", "C/D"))


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_a_link_or_rejected_and_canonical_never_raises(text: str) -> None:
    canonical(text)
    for uri in (text, "https://a/" + text, "https://a/01/" + text, f"https://a/00/{SSCC}?" + text):
        canonical(uri)
        try:
            link = parse_link(uri)
        except Rejected:
            continue
        assert find_key(uri) == link.key


@given(st.text(alphabet="ABCabc019!\"%&'()*+,-./:;<=>?_", min_size=1, max_size=20))
def test_canonical_is_stable_and_keeps_every_letter_of_a_reference(reference: str) -> None:
    key = issue_giai("9521473", reference)
    assert canonical(key.uri).uri == key.uri
    assert find_key(key.uri) == key


@given(
    st.sampled_from(["00", "01", "414", "8004", "8006", "8018", "99"]),
    st.sampled_from([SSCC, GTIN, GTIN[1:], "9521473000102", "9521473X", "952188600000044173"]),
    st.sampled_from(["", "/21/X1", "/22/X1", "/254/B7", "/10/L", "/21/", "/8019/3"]),
)
def test_the_short_way_for_plain_uris_leads_where_the_long_way_leads(ai: str, value: str, tail: str) -> None:
    uri = f"https://id.gs1.org/{ai}/{value}{tail}"
    assert gs1_key(uri) == find_key(uri)
