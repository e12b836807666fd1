"""Civil dates in Europe/London, calendar months and working days.

- A date of a clock is the civil date in Europe/London at that instant.
- A calendar month goes to the same day number, or to the month's last day if there is none.
- A working day is Monday to Friday and not a bank holiday of England and Wales (`bank_holidays`).
- `in_words` and `day_in_words` write an instant or a date as a customer reads it.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from custody.disputes.bank_holidays import SATURDAY, bank_holidays
from custody.kernel.clock import Instant

LONDON = ZoneInfo("Europe/London")


def civil_date(at_ms: Instant) -> date:
    """The date on the wall in London at this instant."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(LONDON).date()


def day_starts_ms(day: date) -> Instant:
    """The first instant of a civil day in London."""
    return int(datetime.combine(day, time(), LONDON).timestamp() * 1000)


def day_ends_ms(day: date) -> Instant:
    """The first instant after a civil day in London; a right that lasts until this day lasts until then."""
    return day_starts_ms(day + timedelta(days=1))


def add_days(day: date, days: int) -> date:
    """So many civil days later."""
    return day + timedelta(days=days)


def add_months(day: date, months: int) -> date:
    """The same day number so many months later, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def is_working_day(day: date) -> bool:
    """Monday to Friday and no bank holiday; raises `Rejected("bank_holidays")` for a year before the lists."""
    return day not in bank_holidays(day.year) and day.weekday() < SATURDAY


def add_working_days(day: date, days: int) -> date:
    """So many working days later; the day itself is not counted."""
    while days > 0:
        day = add_days(day, 1)
        days -= is_working_day(day)
    return day


def next_working_day(day: date) -> date:
    """The day itself if it is a working day, else the next one."""
    while not is_working_day(day):
        day = add_days(day, 1)
    return day


def day_in_words(day: date) -> str:
    """A date as a customer reads it: 16 May 2026."""
    return f"{day.day} {day:%B} {day.year}"


def in_words(at_ms: Instant) -> str:
    """An instant as a customer reads it: 14:03 on 16 May 2026."""
    when = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(LONDON)
    return f"{when:%H:%M} on {day_in_words(when.date())}"
