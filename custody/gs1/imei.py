"""The IMEI, number of a handset (3GPP TS 23.003 annex B), and its URN (RFC 7254).

IMEI = TAC (8 digits) + serial number (6) + Luhn digit. It is met with 14 digits (no check), 15, or 16 (IMEISV: the
last two are a software version and there is no check digit). The URN is `urn:gsma:imei:TTTTTTTT-SSSSSS-0`: its third
group is a spare digit, always 0, and not the Luhn digit. Others put the Luhn digit there all the same, and may add
`;svn=NN`; so two IMEIs are the same when their first 14 digits are, and ours is always written with 0.
"""

import re
from functools import lru_cache

from custody.gs1.check_digit import is_digits, luhn_check_digit
from custody.kernel.errors import Rejected

_URN = re.compile(r"urn:gsma:imei:(\d{8})-(\d{6})-\d(;[!-~]{1,64})*", re.IGNORECASE | re.ASCII)
_FIX = "Read it from the box label or dial *#06#."


def imei_urn(text: str) -> str:
    """The canonical URN of 14, 15 or 16 digits or of any spelling of the URN; raises `Rejected("imei")`.

    Fifteen digits with a wrong Luhn digit are refused: this is what we call when we issue a record.
    """
    found = foreign_imei_urn(text)
    if found is not None:
        return found
    if not is_digits(text) or len(text) not in {14, 15, 16}:
        raise Rejected("imei", f"{text!r} is not 14 to 16 digits and not a URN", fix=_FIX)
    if len(text) == 15 and luhn_check_digit(text[:14]) != text[14]:
        raise Rejected("imei", f"{text} does not end in its Luhn digit {luhn_check_digit(text[:14])}", fix=_FIX)
    return f"urn:gsma:imei:{text[:8]}-{text[8:14]}-0"


def told_imei_urn(text: str) -> str | None:
    """The canonical URN of an IMEI that a machine told, in any form, else None; its check digit is not judged.

    It guards against the mistakes of people, and is no part of an IMEI that is checked (TS 23.003 section 6.2.1).
    """
    if is_digits(text) and len(text) in {14, 15, 16}:
        return f"urn:gsma:imei:{text[:8]}-{text[8:14]}-0"
    return foreign_imei_urn(text)


def foreign_imei_urn(text: str) -> str | None:
    """The canonical URN if `text` is an IMEI URN in any spelling, else None; the third group is not judged."""
    match = _URN.fullmatch(text)
    return f"urn:gsma:imei:{match[1]}-{match[2]}-0" if match else None


def imei_digits(urn: str) -> str:
    """The 15 digits, Luhn digit included, of a canonical URN; raises `Rejected("imei")`."""
    match = _URN.fullmatch(urn)
    if match is None:
        raise Rejected("imei", f"{urn!r} is not an IMEI URN", fix=_FIX)
    body = match[1] + match[2]
    return body + luhn_check_digit(body)


@lru_cache(maxsize=8192)
def serial_as_imei(sgtin: str) -> str | None:
    """The IMEI URN hidden in a canonical SGTIN whose serial is a 15-digit IMEI with a right Luhn digit, else None."""
    serial = sgtin.rpartition("/21/")[2]
    if len(serial) == 15 and is_digits(serial) and luhn_check_digit(serial[:14]) == serial[14]:
        return f"urn:gsma:imei:{serial[:8]}-{serial[8:14]}-0"
    return None


def urn_of(text: str) -> str:
    """The canonical name of an IMEI in any form; other text as it is."""
    try:
        return imei_urn(text)
    except Rejected:
        return text
