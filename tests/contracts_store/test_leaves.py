"""The leaves of a batch in its row: read as they were, also from rows of before; and a damaged row gives none."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor
from custody.store.batch_book import pack_leaves, unpack_leaves

LEAVES = st.lists(st.binary(min_size=32, max_size=90), max_size=40)


@given(LEAVES)
def test_leaves_are_read_as_they_were_in_the_form_of_now_and_of_before(leaves: list[bytes]) -> None:
    assert unpack_leaves(pack_leaves(leaves)) == tuple(leaves)
    assert unpack_leaves(zlib.compress(cbor.encode(leaves), 1)) == tuple(leaves)


@given(LEAVES.filter(bool), st.data())
def test_a_row_of_which_a_bit_has_changed_gives_no_leaves(leaves: list[bytes], data: st.DataObject) -> None:
    row = bytearray(pack_leaves(leaves))
    row[data.draw(st.integers(0, len(row) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Exception):  # noqa: B017, PT011 - each reader of a part of it has an error of its own
        unpack_leaves(bytes(row))


def test_the_digest_at_the_end_of_a_leaf_takes_its_own_bytes_alone() -> None:
    leaves = [
        b"urn:weaklink:station:hub" + bytes([at // 8]) * 16 + zlib.crc32(bytes([at])).to_bytes(4) * 8
        for at in range(256)
    ]
    assert len(pack_leaves(leaves)) < 256 * (32 + 2)
