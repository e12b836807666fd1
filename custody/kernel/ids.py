"""Identifiers and randomness as values that are handed in."""

from typing import Protocol


class Ids(Protocol):
    """Makes identifiers and random bytes; real or seeded."""

    def new(self, prefix: str) -> str:
        """A fresh identifier such as `case_0k3v9q2m7x4d8r1t`: prefix, underscore, 80 random bits in base32."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        ...


CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1"})
"""Letters that the base32 leaves out, and the digits that they are typed for."""


def spell(prefix: str, entropy: bytes) -> str:
    """`prefix_` and the bytes in Crockford's base32, five bits a letter, low bits dropped."""
    bits = int.from_bytes(entropy, "big")
    length = len(entropy) * 8 // 5
    bits >>= len(entropy) * 8 - length * 5
    letters = [CROCKFORD[(bits >> (5 * (length - 1 - place))) & 31] for place in range(length)]
    return f"{prefix}_{''.join(letters)}"


def as_typed(prefix: str, text: str) -> str:
    """The identifier that somebody typed off a screen: capital or small, with gaps, the prefix left out or not."""
    letters = "".join(letter for letter in text.lower() if letter.isalnum())
    return f"{prefix}_{letters.removeprefix(prefix).translate(READ_AS)}"
