"""What somebody who types an order's reference, or another number, may have meant by it.

On a phone the letters come out small or large, a hyphen as a dash or a space, and people write "Order no." or "#"
before the number and a full stop after it. Between letters and digits a hyphen is left out, or typed where there is
none. Nothing else is guessed: no letter or digit is ever another one, and 12-3 is not 123.
"""

import re

_BEFORE = re.compile(
    r"(?:(?:my|your|the|order|ref|reference|number|parcel|tracking|imei|no|nr)[.:#\s]+|[#:]\s*)+", re.IGNORECASE
)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))  # noqa: RUF001 - what phones write for a hyphen
_BORDER = re.compile(r"(?<=[a-z])-?(?=[0-9])|(?<=[0-9])-?(?=[a-z])", re.IGNORECASE)
"""Where letters and digits meet, with a hyphen or without."""


def bare_number(text: str) -> str:
    """The number without a word or sign before it, and without what ends a sentence."""
    whole = _tidy(text)
    return whole[found.end() :] if (found := _BEFORE.match(whole)) else whole


def spellings(text: str) -> tuple[str, ...]:
    """The other references that may be meant by what was typed; it is not among them itself."""
    forms = []
    for each in (_tidy(text), bare_number(text)):
        joined = re.sub(r"\s*-\s*", "-", each)
        whole = joined.replace(" ", "")
        forms += [joined, whole, joined.replace(" ", "-")]
        forms += [_BORDER.sub("-", whole, count=1), _BORDER.sub("-", whole), _BORDER.sub("", whole)]
    found = [spelled for form in forms for spelled in (form, form.upper(), form.lower())]
    return tuple(dict.fromkeys(each for each in found if each and each != text))


def _tidy(text: str) -> str:
    return " ".join(text.translate(_DASHES).split()).rstrip(".,;:!")
