"""Check digits, the last digit of most keys.

- GS1 (General Specifications, section 7.9.1): from the right, without the check digit, weights 3, 1, 3, 1, ...;
  digit = (10 - sum mod 10) mod 10. Used by GTIN, SSCC, GLN, GSRN, GRAI, GSIN, GDTI, GCN.
- Luhn (ISO/IEC 7812-1 annex B): used by the IMEI (3GPP TS 23.003 annex B).

Both take digits as text, because leading zeros count. Luhn is python-stdnum's; the GS1 digit is worked out for every
key of every scan, so it is summed over bytes, ten times as fast as digit by digit.
"""

from stdnum import luhn


def gs1_check_digit(body: str) -> str:
    """The check digit that follows `body`, which is digits only."""
    digits = body.encode("ascii")
    heavy, light = digits[::-2], digits[-2::-2]
    zeros = ord("0") * (3 * len(heavy) + len(light))
    return str((zeros - 3 * sum(heavy) - sum(light)) % 10)


def luhn_check_digit(body: str) -> str:
    """The Luhn digit that follows `body`, which is digits only."""
    return str(luhn.calc_check_digit(body))


def is_digits(text: str) -> bool:
    """Whether `text` is one or more of 0 to 9 and nothing else (no other script's digits, no line end)."""
    return text.isascii() and text.isdigit()
