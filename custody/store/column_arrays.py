"""A column of many rows as one array, in PostgreSQL's binary form.

The driver would write each value as text, a byte string in twice as many digits, which the server reads again.

Form (`array_send` of PostgreSQL): dimensions, whether there are nulls, the type of an element; size and lower bound of
the one dimension; then each element behind its length, -1 for a null. All numbers have 32 bits, the first byte first.
"""

import struct
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct("!iiIii")
_NO_ELEMENTS = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)


class ColumnArray:
    """The values of a column; of which type they are says the class."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values


class Ints(ColumnArray):
    """INTEGER."""


class Longs(ColumnArray):
    """BIGINT."""


class Blobs(ColumnArray):
    """BYTEA."""


class Texts(ColumnArray):
    """VARCHAR and TEXT."""


class _ArrayDumper(Dumper):
    """Writes an array; the driver asks for a class for each type."""

    format = Format.BINARY
    element: ClassVar[int]

    def dump(self, obj: ColumnArray) -> bytes:
        values = obj.values
        if not values:
            return _NO_ELEMENTS.pack(0, 0, self.element)
        written = self._written_singly(values) if None in values else self._written(values)
        return _HEAD.pack(1, int(None in values), self.element, len(values), 1) + written

    def _written_singly(self, values: Iterable[Any]) -> bytes:
        return b"".join([_NULL if value is None else self._written([value]) for value in values])

    @abstractmethod
    def _written(self, values: Sequence[Any]) -> bytes:
        """Values without nulls, each behind its length."""


class _NumbersDumper(_ArrayDumper):
    code: ClassVar[str]

    def _written(self, values: Sequence[Any]) -> bytes:
        pairs = zip(repeat(struct.calcsize(f"!{self.code}")), values, strict=False)
        return struct.pack("!" + f"i{self.code}" * len(values), *chain.from_iterable(pairs))


class _IntsDumper(_NumbersDumper):
    element, oid, code = psycopg.adapters.types["int4"].oid, psycopg.adapters.types["int4"].array_oid, "i"


class _LongsDumper(_NumbersDumper):
    element, oid, code = psycopg.adapters.types["int8"].oid, psycopg.adapters.types["int8"].array_oid, "q"


class _BlobsDumper(_ArrayDumper):
    element, oid = psycopg.adapters.types["bytea"].oid, psycopg.adapters.types["bytea"].array_oid

    def _written(self, values: Sequence[Any]) -> bytes:
        return b"".join(chain.from_iterable(zip(map(_LENGTH.pack, map(len, values)), values, strict=True)))


class _TextsDumper(_BlobsDumper):
    element, oid = psycopg.adapters.types["text"].oid, psycopg.adapters.types["text"].array_oid

    def _written(self, values: Sequence[Any]) -> bytes:
        encoding = "utf-8" if self.connection is None else self.connection.info.encoding
        return super()._written([value.encode(encoding) for value in values])


_KINDS = {"INTEGER": Ints, "BIGINT": Longs, "BYTEA": Blobs, "VARCHAR": Texts, "TEXT": Texts}
_DUMPERS: Mapping[type[ColumnArray], type[Dumper]] = {
    Ints: _IntsDumper,
    Longs: _LongsDumper,
    Blobs: _BlobsDumper,
    Texts: _TextsDumper,
}

for _array, _dumper in _DUMPERS.items():
    psycopg.adapters.register_dumper(_array, _dumper)


def as_array(kind: str, values: Sequence[Any]) -> Any:
    """The values of a column of this kind, as the driver is given them."""
    return _KINDS[kind](values) if kind in _KINDS else list(values)
