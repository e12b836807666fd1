"""Rules for every word a customer reads.

- Forbidden: words that accuse (fraud, suspect, allege, claimed, guilt, culprit). We believe the customer.
- A sentence has at most 20 words. No internal codes: no snake_case, no handheld codes, no digests, no URNs, no unfilled
  field, no abbreviation outside a short list.
- A text that names a date or an amount names the promise behind it, or the law or contract that sets it. The reasons
  in it may name those of what has been: without its day and its sum a reason cannot be answered. They promise nothing.
- Reading age: Flesch-Kincaid grade (0.39 words a sentence + 11.8 syllables a word - 15.59; Kincaid and others, 1975)
  plus five years. At most 13. The few long words of `EXPLAINED` count as two syllables, because the customer's page
  explains them; figures count as one.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType

from custody.kernel.errors import Rejected

MAX_WORDS_A_SENTENCE = 20
MAX_READING_AGE = 13.0
APOSTROPHE = "\u2019"

FORBIDDEN = re.compile(
    r"\b(fraud\w*|suspicio\w*|suspect\w*|alleg(?:e|ed|es|ing|ation|ations|edly)|claimed|guilt\w*|culprit\w*)\b",
    re.IGNORECASE,
)
ABBREVIATIONS = frozenset({"I", "A", "SIM", "UK", "CISAS", "BSL", "PAC"})
CODES = re.compile(
    r"\b\w*[A-Za-z0-9]_[A-Za-z0-9]\w*"  # snake_case
    r"|\b[A-Z]{1,4}-?\d{2,}\b"  # handheld and policy codes
    r"|\b[0-9a-f]{16,}\b"  # digests
    r"|\burn:|\bni:|==|[{}<>]"
)
CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DATES_AND_SUMS = re.compile(
    r"£ ?\d|\b\d+(?:\.\d\d)? ?(?:GBP|EUR|pounds?)\b|\b\d{4}-\d\d-\d\d\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{MONTHS})\b"
    r"|\b\d{1,2}/\d{1,2}\b|\b(?:by|on|until|next) (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\btomorrow\b"
    r"|\b(?:within|in) \d+ (?:minute|hour|day|week|month)s?\b",
    re.IGNORECASE,
)

EXPLAINED = MappingProxyType(
    {
        "independent": "Not part of us and not paid to agree with us.",
        "replacement": "A new one instead of the one that went wrong.",
        "packaging": "The box and what came around the phone.",
    }
)

AHEAD = re.compile(
    r"\b(?:will|shall|going to|promise[ds]?|tomorrow|(?:with)?in \d+ (?:minute|hour|day|week|month)s?"
    r"|next (?:week|month|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
    r"|we (?:pay|send|give|refund|owe)|you (?:get|have) it)\b"
    rf"|\w{APOSTROPHE}ll\b|\w'll\b",
    re.IGNORECASE,
)


def lint_text(text: str) -> None:
    """Return if a customer may read this; raises `Rejected("text")` with every problem."""
    problems = _all_problems(text)
    if problems:
        raise Rejected("text", "; ".join(problems), fix="Say it in short, plain, kind sentences.", problems=problems)


def lint_outgoing(text: str, *, promises: Iterable[str] = (), set_by: Iterable[str] = ()) -> None:
    """`lint_text`, and every date or amount has a promise behind it, or a rule of law or contract that sets it."""
    lint_text(text)
    lint_dates(text, promises=promises, set_by=set_by)


def lint_dates(text: str, *, promises: Iterable[str] = (), set_by: Iterable[str] = ()) -> None:
    """Return if a promise or a rule stands behind every date and amount; raises `Rejected("unpromised")`."""
    found = DATES_AND_SUMS.search(text)
    if found and not (tuple(promises) or tuple(set_by)):
        raise Rejected(
            "unpromised",
            f"{found.group()!r} stands in the text, and no promise stands behind it",
            fix="Make the promise first and send its text, or take the date or amount out.",
        )


def ahead(reason: str) -> str:
    """The sentences of a reason that speak of what is to come."""
    return " ".join(sentence for sentence in _sentences(reason) if AHEAD.search(sentence))


def reading_age(text: str) -> float:
    """The age in years at which a text can be read."""
    words = _words(text)
    if not words:
        return 0.0
    sentences = max(1, len(_sentences(text)))
    grade = 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
    return grade + 5


def syllables(word: str) -> int:
    """How many syllables an English word has, by its vowel groups and silent endings."""
    word = word.lower().strip(f"'{APOSTROPHE}")
    word = word.removesuffix("'s").removesuffix(f"{APOSTROPHE}s")
    if word in EXPLAINED:
        return 2
    if any(letter.isdigit() for letter in word):
        return 1
    count = len(re.findall(r"[aeiouy]+", word))
    silent_e = word.endswith("e") and not re.search(r"[^aeiouy]le$", word)
    silent_ed = word.endswith("ed") and not re.search(r"[td]ed$", word)
    silent_es = word.endswith("es") and not re.search(r"(s|x|z|ch|sh|c|g|[^aeiouy]l)es$", word)
    if count > 1 and (silent_e or silent_ed or silent_es):
        count -= 1
    return max(1, count)


@lru_cache(maxsize=1024)
def _all_problems(text: str) -> tuple[str, ...]:
    """The same texts go out again and again."""
    return tuple(_problems(text))


def _problems(text: str) -> Iterable[str]:
    if not text.strip():
        yield "the text is empty"
    for found in FORBIDDEN.finditer(text):
        yield f"{found.group()!r} accuses"
    for found in CODES.finditer(text):
        yield f"{found.group()!r} is an internal code"
    for found in CAPITALS.finditer(text):
        if found.group() not in ABBREVIATIONS:
            yield f"{found.group()!r} is an abbreviation"
    for sentence in _sentences(text):
        count = len(_words(sentence))
        if count > MAX_WORDS_A_SENTENCE:
            yield f"a sentence of {count} words: {sentence.strip()[:40]!r}"


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(rf"(?<=[.!?])['\"{APOSTROPHE})]*\s+|\n+", text) if _words(part)]


def _words(text: str) -> list[str]:
    return re.findall(rf"[A-Za-z0-9£][A-Za-z0-9£'{APOSTROPHE}.:,-]*[A-Za-z0-9]|[A-Za-z0-9]", text)
