"""What was kept aside of statements that the log does not take: whether it tells of a thing.

A row holds the opening of a scan as it came, or, of a scan of a batch, the CBOR array [subject, content type, opening].
Things are told by their canonical keys, handsets by their IMEIs. One thing is spelled in many ways, so the event is
read; where there is none, the numbers are looked for in the bytes.
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from custody.gs1.imei import imei_digits
from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.scans.batch import BATCH
from custody.scans.content import read_content
from custody.scans.scan import CAPTURED, SALT_BYTES
from custody.store.tables import QuarantineRow
from custody.trail.names import ORDER, PARCEL, filed_under, imei_of, is_parcel

Named = Mapping[tuple[bytes, bytes], frozenset[str] | None]
"""What events name, by digest and name of their rows; None where there is no event."""
NOTHING_READ: Named = MappingProxyType({})


def speaks_of(row: QuarantineRow, names: Collection[str], *, orders: Collection[str] = ()) -> bool:
    """Whether it names one of these things, or one of these orders and no parcel."""
    keys = keys_in(row)
    if keys is None:
        return any(text in row.opening for name in names for text in _spelled(name))
    return are_of(keys, names, orders=orders)


def are_of(keys: frozenset[str], names: Collection[str], *, orders: Collection[str]) -> bool:
    """The same of what an event names."""
    return not keys.isdisjoint(names) or not (keys.isdisjoint(orders) or any(map(is_parcel, keys)))


def keys_in(row: QuarantineRow) -> frozenset[str] | None:
    """What its event names; None if it holds no event."""
    message, opening = cose.parse(row.statement), row.opening
    kind = message.protected.get(cose.PREIMAGE_CONTENT_TYPE)
    try:
        if message.protected.get(cose.CONTENT_TYPE) == BATCH:
            _, kind, opening = cbor.decode(opening)
        keys = filed_under(read_content(opening[SALT_BYTES:], captured=kind == CAPTURED))
    except Rejected:
        return None
    return keys.union(imei for key in keys if (imei := imei_of(key)))


def _spelled(name: str) -> Iterator[bytes]:
    imei = imei_of(name)
    if imei is None:
        yield name.removeprefix(PARCEL).removeprefix(ORDER).encode()
    else:
        digits = imei_digits(imei)
        yield digits[:14].encode()
        yield f"{digits[:8]}-{digits[8:14]}".encode()
