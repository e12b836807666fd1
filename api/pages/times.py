"""Moments, spans, keys, masses and counts as people read them. Times are civil times in London."""

import re
from datetime import UTC, date, datetime

from markupsafe import Markup

from custody.disputes.civil import LONDON, day_in_words
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Instant, from_iso, to_iso

SAME_MS = 90 * SECOND_MS
_GS1 = re.compile(r"https://id\.gs1\.org/\d+/([!-~]+?)(?=[\s;,)]|\.\s|\.$|$)")


def moment(at_ms: Instant) -> str:
    """A moment to the minute: 25 Nov 2026, 23:36."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(LONDON):%-d %b %Y, %H:%M}"


def when(value: Instant | str | None) -> Markup:
    """A moment as a `time` element; a date alone is written as a day; nothing is a dash."""
    if value is None:
        return Markup('<span class="none">–</span>')  # noqa: RUF001 - the dash of an empty cell
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        day = date.fromisoformat(value)
        return Markup('<time datetime="{}">{}</time>').format(value, f"{day:%-d %b %Y}")
    at_ms = from_iso(value) if isinstance(value, str) else value
    return Markup('<time datetime="{}">{}</time>').format(to_iso(at_ms), moment(at_ms))


def day_words(value: date | str) -> str:
    """A day as a customer reads it: 6 January 2027."""
    return day_in_words(date.fromisoformat(value) if isinstance(value, str) else value)


def moment_words(value: Instant | str) -> str:
    """A moment as a customer reads it: 23:36 on 30 November 2026."""
    at_ms = from_iso(value) if isinstance(value, str) else value
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(LONDON)
    return f"{local:%H:%M} on {day_in_words(local.date())}"


def span_words(span_ms: int) -> str:
    """A span in its two largest units: 2 d 4 h, 3 h 12 min, 40 s."""
    units = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))
    rest, parts = abs(span_ms), []
    for size, name in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def both_clocks(at_ms: Instant, received_ms: Instant | None) -> str:
    """The station's time and ours; ours is left out where both say the same."""
    said = f"station {moment(at_ms)}"
    if received_ms is None or abs(received_ms - at_ms) < SAME_MS:
        return said
    return f"{said}, received {moment(received_ms)}"


def short_key(key: str) -> str:
    """A GS1 key without its web address: 9521886000126."""
    return _GS1.sub(lambda found: found[1].removesuffix("."), key)


def spelled(name: str) -> str:
    """The number of a case as it is read out on the phone: without its prefix, in groups of four."""
    number = name.rpartition("_")[2]
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def counted(count: int, thing: str) -> str:
    """How many there are: 1 scan, 2 scans."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def grams(mass_g: float | None) -> str:
    """A mass in whole grams."""
    return "not known" if mass_g is None else f"{mass_g:.0f} g"


def pounds(pence: int) -> str:
    """A sum with two decimals."""
    return f"£{pence / 100:,.2f}"


def signed(figure: float) -> str:
    """A figure with one decimal and its sign; nothing is not less than nothing."""
    return f"{figure:+z.1f}".replace("-", "\N{MINUS SIGN}")


def sentence(text: str) -> str:
    """A text that begins with a capital letter; the rest stays as it is."""
    return f"{text[:1].upper()}{text[1:]}"
