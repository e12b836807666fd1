"""The data attributes of a GS1 Digital Link: which AIs may stand in its query, and what their values look like.

The facts are those of the GS1 General Specifications, chapter 3, and of GS1's syntax dictionary of July 2026, which
also says which AIs are data attributes. Keys are such, too, but not what only qualifies a key (21, 22, 235, 254, 8011,
8019, ...) or has another place (03, 8200, ...); those are not in the table.

A row of the table is AIs, a colon, the components of their value. `310n-316n` are 3100 to 3105, 3110 to 3115 and so on
to 3165, the last digit counting decimals. A component in brackets may be missing. Components are written as GS1 does,
a type with a length: `N6` are six digits, `X..20` one to twenty characters; the types are

- `N` digits; `K` digits of which the last is a check digit; `A` capital letters; `Z` base64url, `=` at its end only,
- `X` character set 82; `Y` character set 39; `P` character set 82 with `%` for percent-encoding only;

or they are a word of `_WORDS`, such as a date. `YYMMD0` is a date whose day may be left open as 00.
What a value means beyond that is not judged: codes of countries, currencies and media, and what is in a coupon.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from custody.gs1.check_digit import gs1_check_digit, gs1_check_pair
from custody.gs1.keys import TEXT_39, TEXT_82

_TABLE = """
00 8017-8018: K18
01-02: K14
402: K17
410-417: K13
253: K13 [X..17]
255: K13 [N..12]
8003: ZERO K13 [X..16]
8006 8026: K14 PIECE
401 7023 8004: N4 [X..26]
8010: N4 [Y..26]
8013: MODEL
11-13 15-17: YYMMD0
4324-4325: YYMMD0 HHMI
4326 7006: YYMMDD
7003: YYMMDD HHMI
7007: YYMMDD [YYMMDD]
7008: X..3
7011: YYMMDD [HHMI]
8008: YYMMDD HH [MI] [SS]
7250: YYYYMMDD
7251: YYYYMMDD HHMI
310n-316n 320n-329n 330n-337n 340n-349n 350n-357n 360n-369n 395n 8005: N6
3900-3909 3920-3929: N..15
3910-3919 3930-3939: N3 N..15
3940-3943 8111: N4
20 7241: N2
30 37: N..8
242: N..6
7001: N13
7004: N..4
421: N3 X..9
422 424 426: N3
423 425: N3 [N3] [N3] [N3] [N3]
7030-7039: N3 X..27
7230-7239: X2 X..28
4300-4301 4310-4311 4320: P..35
4302-4306 4312-4316 7257: P..70
7253-7254 7259: P..40
7256: P..90
4307 4317: A2
4309: LATITUDE LONGITUDE
4321-4323: YESNO
4330-4333: N6 [MINUS]
7252: SEX
7258: BIRTH
8001: WIDTH LENGTH CORE WINDING N1
8007: IBAN
7010: X..2
427: X..3
7009 7255: X..10
7005: X..12
10 243 420 4318 7020-7022 710-717 7240 8002 8012: X..20
7242: X..25
240-241 250-251 400 403 4308 4319 7002 90: X..30
8009: X..50
8110 8112: X..70
91-99: X..90
8030: Z..90
"""
_ALPHABET: Mapping[str, str] = {
    "N": r"\d", "K": r"\d", "A": "[A-Z]", "X": TEXT_82, "Y": TEXT_39, "Z": r"(?:[0-9A-Za-z_\-]|=(?==?\Z))",
    "P": rf"(?:(?!%(?![0-9A-Fa-f]{{2}})){TEXT_82})",
}  # fmt: skip
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_HOUR = r"(?:[01]\d|2[0-3])"
_SIXTY = r"[0-5]\d"
_WORDS: Mapping[str, str] = {
    "YYMMD0": rf"\d\d{_MONTH}(?:00|{_DAY})",
    "YYMMDD": rf"\d\d{_MONTH}{_DAY}",
    "YYYYMMDD": rf"\d{{4}}{_MONTH}{_DAY}",
    "HHMI": _HOUR + _SIXTY,
    "HH": _HOUR,
    "MI": _SIXTY,
    "SS": _SIXTY,
    "ZERO": "0",
    "MINUS": "-",
    "YESNO": "[01]",
    "SEX": "[0129]",
    "BIRTH": "[1-9]/[1-9]",
    "PIECE": r"\d{4}",
    "LATITUDE": r"(?:0\d{9}|1[0-7]\d{8}|180{8})",
    "LONGITUDE": r"(?:[0-2]\d{9}|3[0-5]\d{8}|360{8})",
    "WIDTH": r"(?!0{4})\d{4}",
    "LENGTH": r"(?!0{5})\d{5}",
    "CORE": r"(?!0{3})\d{3}",
    "WINDING": "[019]",
    "IBAN": r"[A-Z]{2}[0-9A-Z]{9,32}",
    "MODEL": rf"\d{{4}}{TEXT_82}{{0,19}}[2-9A-HJ-NP-Z]{{2}}",
}


def _ends_in_check_digit(text: str) -> bool:
    return gs1_check_digit(text[:-1]) == text[-1]


def _ends_in_check_pair(text: str) -> bool:
    return gs1_check_pair(text[:-2]) == text[-2:]


def _leaves_one_by_97(text: str) -> bool:
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1  # ISO 13616-1


def _is_in_the_month(text: str) -> bool:
    # Leap years repeat after 400 years, and two digits never mean 1900 or 2100 before 2050.
    year, month, day = int(text[:-4]), int(text[-4:-2]), int(text[-2:])
    return day <= monthrange(2000 + year % 400, month)[1]


def _is_one_of_total(text: str) -> bool:
    half = len(text) // 2
    return "00" < text[:half] <= text[-half:]


_JUDGES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    **dict.fromkeys(("K13", "K14", "K17", "K18"), (_ends_in_check_digit, "has a wrong check digit")),
    **dict.fromkeys(("YYMMD0", "YYMMDD", "YYYYMMDD"), (_is_in_the_month, "has a day that its month has not")),
    "MODEL": (_ends_in_check_pair, "has wrong check characters"),
    "IBAN": (_leaves_one_by_97, "has wrong check digits"),
    "PIECE": (_is_one_of_total, "counts beyond its total"),
    "BIRTH": (_is_one_of_total, "counts beyond its total"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What the value of an AI looks like: its components, and a shape with a group for each of them."""

    components: tuple[str, ...]
    shape: re.Pattern[str]


def wrong_attribute(ai: str, value: str) -> str | None:
    """A sentence naming what is wrong with a data attribute, else None."""
    attribute = ATTRIBUTES.get(ai)
    if attribute is None:
        return f"AI {ai} is no data attribute"
    match = attribute.shape.fullmatch(value)
    if match is None:
        return f"AI {ai} has the wrong form"
    for component, text in zip(attribute.components, match.groups(), strict=True):
        judge = _JUDGES.get(component)
        if judge is not None and text is not None and not judge[0](text):
            return f"AI {ai} {judge[1]}"
    return None


def _ais(words: str) -> Iterator[str]:
    for word in words.split():
        first, _, last = word.replace("n", "").partition("-")
        for number in range(int(first), int(last or first) + 1):
            ai = str(number).zfill(len(first))
            yield from (f"{ai}{decimals}" for decimals in range(6)) if "n" in word else (ai,)


def _row(row: str) -> tuple[str, Attribute]:
    ais, _, words = row.partition(": ")
    shape = "".join(f"({_shape(word.strip('[]'))}){'?' if word[0] == '[' else ''}" for word in words.split())
    components = tuple(word.strip("[]") for word in words.split())
    return ais, Attribute(components=components, shape=re.compile(shape, re.ASCII))


def _shape(component: str) -> str:
    if component in _WORDS:
        return _WORDS[component]
    most = component[1:].removeprefix("..")
    return f"{_ALPHABET[component[0]]}{{{1 if '..' in component else most},{most}}}"


ATTRIBUTES: Mapping[str, Attribute] = {
    ai: attribute for ais, attribute in map(_row, _TABLE.strip().splitlines()) for ai in _ais(ais)
}
