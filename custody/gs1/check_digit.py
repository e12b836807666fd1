"""Check digits, the last digit of most keys.

- GS1 (General Specifications, section 7.9.1): from the right, without the check digit, weights 3, 1, 3, 1, ...;
  digit = (10 - sum mod 10) mod 10. Used by GTIN, SSCC, GLN, GSRN, GRAI, GSIN, GDTI, GCN.
- GS1 check character pair (section 7.9): each character's place in character set 82 times a prime, 2, 3, 5, ... from
  the right; the sum mod 1021 is written as two digits of base 32, without 0, 1, I and O. Used by GMN.
- Luhn (ISO/IEC 7812-1 annex B): used by the IMEI (3GPP TS 23.003 annex B).

All take text, because leading zeros count. Luhn is python-stdnum's; the GS1 digit is worked out for every
key of every scan, so it is summed over bytes, ten times as fast as digit by digit.
"""

from stdnum import luhn

_SET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_BASE_32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


def gs1_check_digit(body: str) -> str:
    """The check digit that follows `body`, which is digits only."""
    digits = body.encode("ascii")
    heavy, light = digits[::-2], digits[-2::-2]
    zeros = ord("0") * (3 * len(heavy) + len(light))
    return str((zeros - 3 * sum(heavy) - sum(light)) % 10)


def gs1_check_pair(body: str) -> str:
    """The two check characters that follow `body`, which is at most 23 characters of set 82."""
    total = sum(_SET_82.index(character) * _PRIMES[at] for at, character in enumerate(reversed(body)))
    high, low = divmod(total % 1021, 32)
    return _BASE_32[high] + _BASE_32[low]


def luhn_check_digit(body: str) -> str:
    """The Luhn digit that follows `body`, which is digits only."""
    return str(luhn.calc_check_digit(body))


def is_digits(text: str) -> bool:
    """Whether `text` is one or more of 0 to 9 and nothing else (no other script's digits, no line end)."""
    return text.isascii() and text.isdigit()
