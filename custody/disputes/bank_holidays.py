"""The bank holidays of England and Wales: the published lists, and the rule for the years that none is out for yet.

The rule (Banking and Financial Dealings Act 1971, Schedule 1, and what is proclaimed every year): 1 January, Good
Friday, Easter Monday, the first Monday in May, the last Mondays in May and August, 25 and 26 December. A day that falls
on a weekend is made up for on the next free week day. A year of the lists, which begin with 2019, is as it was
published, with the days that were moved or proclaimed for once. A year before them is refused: what was moved in it is
known, and not here.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from custody.kernel.errors import Rejected

MONDAY, SATURDAY = 0, 5
DAY = timedelta(days=1)


def _read() -> Mapping[int, frozenset[date]]:
    years = json.loads(files("custody.disputes").joinpath("bank_holidays.json").read_text(encoding="utf-8"))["years"]
    return MappingProxyType({int(year): frozenset(map(date.fromisoformat, days)) for year, days in years.items()})


PUBLISHED = _read()


def bank_holidays(year: int) -> frozenset[date]:
    """The bank holidays of a year; raises `Rejected("bank_holidays")` for one before the lists."""
    if year < min(PUBLISHED):
        raise Rejected(
            "bank_holidays",
            f"the bank holidays of {year} are not known; the lists begin with {min(PUBLISHED)}",
            fix="Add the year from the official list for England and Wales to bank_holidays.json.",
        )
    return PUBLISHED.get(year) or by_rule(year)


@cache
def by_rule(year: int) -> frozenset[date]:
    """The bank holidays that a year has by the rule, without days that are moved or proclaimed for once."""
    easter = _easter_sunday(year)
    found = {easter - 2 * DAY, easter + DAY}
    found |= {_monday_from(date(year, 5, 1)), _monday_from(date(year, 5, 25)), _monday_from(date(year, 8, 25))}
    fixed = (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26))
    found |= {day for day in fixed if day.weekday() < SATURDAY}
    for day in fixed:
        if day.weekday() >= SATURDAY:
            found.add(_free_from(day, found))
    return frozenset(found)


def _monday_from(day: date) -> date:
    return day + (MONDAY - day.weekday()) % 7 * DAY


def _free_from(day: date, taken: set[date]) -> date:
    while day.weekday() >= SATURDAY or day in taken:
        day += DAY
    return day


def _easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the method that Nature published on 20 April 1876)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
