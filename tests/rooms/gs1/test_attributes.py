"""Data attributes: what GS1's syntax dictionary (July 2026) has is taken, all else in the query is refused."""

import string
from collections import defaultdict
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.gs1.attributes import ATTRIBUTES, wrong_attribute
from custody.gs1.check_digit import gs1_check_digit, gs1_check_pair
from custody.gs1.digital_link import parse_link
from custody.kernel.errors import Rejected

PARCEL = "https://id.gs1.org/00/195214730000088169"
HANDSET = "https://id.gs1.org/01/09521473003813"
DIGITS = string.digits
SET_82 = "!\"%&'()*+,-./:;<=>?_" + string.ascii_letters + DIGITS
TYPES = {
    "N": DIGITS,
    "A": string.ascii_uppercase,
    "X": SET_82,
    "Y": "#-/" + string.ascii_uppercase + DIGITS,
    "Z": "-_" + string.ascii_letters + DIGITS,
}


def iban(account: str) -> str:
    """A British account number with its check digits, by the rule of ISO 13616-1."""
    turned = "".join(str(int(letter, 36)) for letter in account + "GB00")
    return f"GB{98 - int(turned) % 97:02}{account}"


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text(alphabet=DIGITS, min_size=size, max_size=size)


def number(least: int, most: int, width: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda value: f"{value:0{width}}")


PAIRS = st.integers(1, 9).flatmap(lambda total: st.tuples(st.integers(1, total), st.just(total)))
# Not strftime: what it writes for years before 1000 depends on the C library.
DAYS = st.dates().map(lambda day: day.isoformat().replace("-", ""))
SHORT_DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: day.strftime("%y%m%d"))
WORDS = {
    "YYMMD0": SHORT_DAYS | SHORT_DAYS.map(lambda day: day[:4] + "00"),
    "YYMMDD": SHORT_DAYS,
    "YYYYMMDD": DAYS,
    "HHMI": st.times().map(lambda time: time.strftime("%H%M")),
    "HH": number(0, 23, 2),
    "MI": number(0, 59, 2),
    "SS": number(0, 59, 2),
    "ZERO": st.just("0"),
    "MINUS": st.just("-"),
    "YESNO": st.sampled_from("01"),
    "SEX": st.sampled_from("0129"),
    "BIRTH": PAIRS.map(lambda pair: "{}/{}".format(*pair)),
    "PIECE": PAIRS.map(lambda pair: "{:02}{:02}".format(*pair)),
    "LATITUDE": number(0, 180 * 10**7, 10),
    "LONGITUDE": number(0, 360 * 10**7, 10),
    "WIDTH": number(1, 9999, 4),
    "LENGTH": number(1, 99999, 5),
    "CORE": number(1, 999, 3),
    "WINDING": st.sampled_from("019"),
    "IBAN": st.text(alphabet=DIGITS + string.ascii_uppercase, min_size=7, max_size=30).map(iban),
    "MODEL": st.tuples(digits(4), st.text(alphabet=SET_82, max_size=19)).map(
        lambda parts: "".join(parts) + gs1_check_pair("".join(parts))
    ),
}
CHECKED = {"K13", "K14", "K17", "K18", "MODEL", "IBAN"}


def right_part(component: str) -> st.SearchStrategy[str]:
    """Right values of one component."""
    if component in WORDS:
        return WORDS[component]
    size = int(component[1:].removeprefix(".."))
    if component[0] == "K":
        return digits(size - 1).map(lambda body: body + gs1_check_digit(body))
    if component[0] == "P":
        return st.lists(st.sampled_from([*SET_82.replace("%", ""), "%2C"]), min_size=1, max_size=size // 3).map("".join)
    return st.text(alphabet=TYPES[component[0]], min_size=1 if "." in component else size, max_size=size)


def right_parts(data: st.DataObject, ai: str) -> list[str]:
    return [data.draw(right_part(component)) for component in ATTRIBUTES[ai].components]


def alike() -> list[list[str]]:
    """The AIs by the form of their values."""
    found = defaultdict(list)
    for ai, attribute in ATTRIBUTES.items():
        found[attribute.shape.pattern].append(ai)
    return list(found.values())


@pytest.mark.parametrize("ais", alike(), ids=lambda ais: ais[0])
@settings(max_examples=40)
@given(data=st.data())
def test_a_right_value_of_every_attribute_is_taken(ais: list[str], data: st.DataObject) -> None:
    value = "".join(right_parts(data, ais[0]))
    assert [wrong_attribute(ai, value) for ai in ais] == [None] * len(ais)
    longer = value + "~"
    assert None not in [wrong_attribute(ai, longer) for ai in ais]


@pytest.mark.parametrize("ai", [ai for ai, attribute in ATTRIBUTES.items() if CHECKED & {*attribute.components}])
@settings(max_examples=20)
@given(data=st.data())
def test_a_wrong_check_digit_of_any_attribute_is_refused(ai: str, data: st.DataObject) -> None:
    parts = right_parts(data, ai)
    at, component = next(pair for pair in enumerate(ATTRIBUTES[ai].components) if pair[1] in CHECKED)
    part = parts[at]
    place = data.draw(
        st.sampled_from({"MODEL": [len(part) - 2, len(part) - 1], "IBAN": [2, 3]}.get(component, [len(part) - 1]))
    )
    other = data.draw(st.sampled_from([digit for digit in "23456789" if digit != part[place]]))
    parts[at] = part[:place] + other + part[place + 1 :]
    wrong = wrong_attribute(ai, "".join(parts))
    assert wrong is not None
    assert "wrong check" in wrong


def test_the_table_has_the_525_attributes_of_the_dictionary() -> None:
    assert len(ATTRIBUTES) == 525


@pytest.mark.parametrize(
    ("query", "attribute"),
    [
        ("4330=002500", ("4330", "002500")),
        ("4331=002500-", ("4331", "002500-")),
        ("4332=000500-", ("4332", "000500-")),
        ("4333=000500", ("4333", "000500")),
        ("423=826", ("423", "826")),
        ("425=826250", ("425", "826250")),
        ("11=280229", ("11", "280229")),
        ("17=261100", ("17", "261100")),
        ("8013=1987654Ad4X4bL5ttr2310c2K", ("8013", "1987654Ad4X4bL5ttr2310c2K")),
        ("8007=GB82WEST12345698765432", ("8007", "GB82WEST12345698765432")),
        ("4301=Caf%25C3%25A9", ("4301", "Caf%C3%A9")),
        ("3105=123456", ("3105", "123456")),
        ("8030=-_8%3D", ("8030", "-_8=")),
        ("7258=2/2", ("7258", "2/2")),
        ("253=9521473000102ABC", ("253", "9521473000102ABC")),
        ("00=195214730000088169", ("00", "195214730000088169")),
    ],
)
def test_attributes_that_the_dictionary_has_are_read(query: str, attribute: tuple[str, str]) -> None:
    """Among them a temperature with and without its minus, one to five countries, a month without its day."""
    assert parse_link(f"{HANDSET}?{query}").attributes == (attribute,)


@pytest.mark.parametrize(
    "query",
    [
        "410=9521473000103",
        "414=9521473000103",
        "402=95214730000000018",
        "8018=952188600000044174",
        "253=9521473000103X",
        "8003=09521473000103X",
        "8006=095214730038140101",
        "8026=095214730038140101",
        "8013=1987654Ad4X4bL5ttr2310cXK",
        "8007=GB83WEST12345698765432",
    ],
)
def test_a_wrong_check_digit_in_the_query_is_refused(query: str) -> None:
    with pytest.raises(Rejected, match="check"):
        parse_link(f"{HANDSET}?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "17=261332",
        "11=260230",
        "15=261131",
        "11=270229",
        "17=260001",
        "4326=261100",
        "7003=2611012400",
        "7250=19000229",
        "7007=261101261131",
        "8008=26110112345",
    ],
)
def test_a_moment_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(Rejected, match=query.partition("=")[0]):
        parse_link(f"{HANDSET}?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "423=8262",
        "423=826250826250826250",
        "4330=002500%2B",
        "3106=123456",
        "3105=12345",
        "4301=100%25",
        "4307=gb",
        "4309=18000000013600000000",
        "4321=2",
        "7258=3/2",
        "8001=00000000100110",
        "8003=19521473000102X",
        "8006=095214730038130201",
        "8006=095214730038130001",
        "8010=9521473_X",
        "10=%0A",
        "8030=AB%3DC",
        "8030=A%3D%3D%3D",
        "10=",
    ],
)
def test_a_value_of_the_wrong_form_is_refused(query: str) -> None:
    with pytest.raises(Rejected, match="AI " + query.partition("=")[0]):
        parse_link(f"{PARCEL}?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "8200=http://a.example", "8020=X", "254=X", "8019=1", "8011=1", "03=09521473003813", "21=X", "22=X", "235=X",
        "7040=1ABC", "7041=CT", "8014=1987654Ad4X4bL5ttr2310c2K", "8040=490154203237518", "8041=490154203237518",
        f"8042={'8' * 32}", f"8043={'8' * 18}", "999=X", "0=X", "14=261101",
    ],
)  # fmt: skip
def test_what_is_no_data_attribute_is_refused_in_the_query(query: str) -> None:
    """Qualifiers, what belongs to other carriers, and numbers that are no AI."""
    with pytest.raises(Rejected, match="is no data attribute"):
        parse_link(f"{PARCEL}?{query}")
