"""Reads the members of a decoded CBOR map, strictly: exactly those that belong there, each of its type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, read_cose_key
from custody.ledger.spellings import MAX_NUMBER, is_plain

MAX_TEXT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The members of a map; every reading raises `Rejected(code)` if the member is not what it should be."""

    code: str
    members: Mapping[str, Any]

    def text(self, name: str, *, longest: int = MAX_TEXT) -> str:
        """Text that is not empty and holds no control characters."""
        value = self.members[name]
        if not isinstance(value, str) or not 1 <= len(value) <= longest or not is_plain(value):
            raise self.wrong(name, f"it must be text of 1 to {longest} letters without control characters")
        return value

    def long_text(self, name: str) -> str:
        """Any text, with newlines."""
        value = self.members[name]
        if not isinstance(value, str):
            raise self.wrong(name, "it must be text")
        return value

    def number(self, name: str, *, least: int = 0) -> int:
        """A whole number from `least` to 2**63 - 1."""
        value = self.members[name]
        if type(value) is not int or not least <= value <= MAX_NUMBER:
            raise self.wrong(name, f"it must be a whole number of at least {least}")
        return value

    def octets(self, name: str, *, length: int | None = None) -> bytes:
        """A byte string, `length` bytes long if given."""
        value = self.members[name]
        if not isinstance(value, bytes) or (length is not None and len(value) != length):
            raise self.wrong(name, "it must be a byte string" + (f" of {length} bytes" if length else ""))
        return value

    def array(self, name: str, *, longest: int) -> list[Any]:
        """An array of at most `longest` items."""
        value = self.members[name]
        if not isinstance(value, list) or len(value) > longest:
            raise self.wrong(name, f"it must be an array of at most {longest} items")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """A map whose keys are text."""
        value = self.members[name]
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.wrong(name, "it must be a map with text keys")
        return value

    def key(self, name: str) -> PublicKey:
        """A sound public key, written in full as `PublicKey.cose_key()` writes it."""
        key = read_cose_key(self.members[name])
        if cbor.encode(self.members[name]) != cbor.encode(key.cose_key()):
            raise self.wrong(name, "the COSE_Key must hold kty, crv, the coordinates, kid and alg, and nothing else")
        return key

    def wrong(self, name: str, why: str) -> Rejected:
        """The error for one member."""
        return Rejected(self.code, f"member {name!r} is wrong: {why}", fix=f"Correct {name!r} and sign again.")


def take(value: Any, *, code: str, names: frozenset[str], optional: frozenset[str] = frozenset()) -> Fields:
    """The members of a map; raises `Rejected(code)` unless they are exactly `names`, and at most `optional` besides."""
    if not isinstance(value, dict) or not names <= set(value) <= names | optional:
        raise Rejected(
            code, f"the map does not hold exactly {', '.join(sorted(names))}", fix="Correct it and sign again."
        )
    return Fields(code=code, members=value)
