"""What somebody who types an order's reference, or another number, may have meant by it.

On a phone the letters come out small or large, a hyphen as a dash or a space, and people write "Order no." or "#"
before the number and a full stop after it. Nothing else is guessed: no letter or digit is ever another one.
"""

import re

_BEFORE = re.compile(
    r"(?:(?:my|your|the|order|ref|reference|number|parcel|tracking|imei|no|nr)[.:#\s]+|[#:]\s*)+", re.IGNORECASE
)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))  # noqa: RUF001 - what phones write for a hyphen


def bare_number(text: str) -> str:
    """The number without a word or sign before it, and without what ends a sentence."""
    whole = _tidy(text)
    return whole[found.end() :] if (found := _BEFORE.match(whole)) else whole


def spellings(text: str) -> tuple[str, ...]:
    """The other references that may be meant by what was typed; it is not among them itself."""
    forms = []
    for each in (_tidy(text), bare_number(text)):
        joined = re.sub(r"\s*-\s*", "-", each)
        forms += [joined, joined.replace(" ", ""), joined.replace(" ", "-")]
    found = [spelled for form in forms for spelled in (form, form.upper(), form.lower())]
    return tuple(dict.fromkeys(each for each in found if each and each != text))


def _tidy(text: str) -> str:
    return " ".join(text.translate(_DASHES).split()).rstrip(".,;:!")
