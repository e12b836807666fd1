"""Check digits, the last digit of most keys.

- GS1 (General Specifications, section 7.9.1): from the right, without the check digit, weights 3, 1, 3, 1, ...;
  digit = (10 - sum mod 10) mod 10. Used by GTIN, SSCC, GLN, GSRN, GRAI, GSIN, GDTI, GCN.
- Luhn (ISO/IEC 7812-1 annex B): used by the IMEI (3GPP TS 23.003 annex B).

Both take digits as text, because leading zeros count.
"""

from stdnum import ean, luhn


def gs1_check_digit(body: str) -> str:
    """The check digit that follows `body`, which is digits only."""
    return str(ean.calc_check_digit(body))


def luhn_check_digit(body: str) -> str:
    """The Luhn digit that follows `body`, which is digits only."""
    return str(luhn.calc_check_digit(body))


def is_digits(text: str) -> bool:
    """Whether `text` is one or more of 0 to 9 and nothing else (no other script's digits, no line end)."""
    return text.isascii() and text.isdigit()
