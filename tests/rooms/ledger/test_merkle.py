import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from custody.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    consistency_root,
    inclusion_path,
    inclusion_root,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.rooms.ledger.small_world import (
    NaiveReader,
    leaves_of,
    naive_consistency,
    naive_inclusion,
    naive_root,
    refused,
)

WORLD = 70

# The reference tree of Certificate Transparency: eight leaves, and the roots for sizes 0 to 8.
REFERENCE_LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
REFERENCE_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_tree(size: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in REFERENCE_LEAVES[:size]]
    assert Frontier().extend(leaves).root().hex() == REFERENCE_ROOTS[size]


@pytest.mark.parametrize("size", range(WORLD + 1))
def test_every_leaf_of_every_small_tree_is_provable_as_the_definition_says(size: int) -> None:
    leaves = leaves_of(size)
    root = naive_root(leaves)
    for index in range(size):
        path = inclusion_path(index, size, NaiveReader(leaves))
        assert path == naive_inclusion(index, leaves)
        verify_inclusion(index, size, leaves[index], path, root)


@pytest.mark.parametrize("size", range(WORLD + 1))
def test_every_smaller_tree_is_provable_as_the_definition_says(size: int) -> None:
    leaves = leaves_of(size)
    for old in range(size + 1):
        path = consistency_path(old, size, NaiveReader(leaves))
        assert path == (naive_consistency(old, leaves) if old else [])
        verify_consistency(old, size, naive_root(leaves[:old]), naive_root(leaves), path)


@pytest.mark.parametrize("size", range(WORLD + 1))
def test_a_frontier_grows_leaf_by_leaf_or_in_one_go_to_the_same_tree(size: int) -> None:
    leaves = leaves_of(size)
    slow = Frontier()
    for leaf in leaves:
        slow = slow.append(leaf)
    assert slow == Frontier().extend(leaves) == Frontier().extend(leaves[: size // 3]).extend(leaves[size // 3 :])
    assert slow.root() == naive_root(leaves)
    assert slow.size == size


@pytest.mark.parametrize("size", [1, 2, 3, 31, 32, 33, 64, 70])
def test_a_path_asks_for_no_hash_twice_and_for_no_more_than_it_needs(size: int) -> None:
    leaves = leaves_of(size)
    for index in range(size):
        reader = NaiveReader(leaves)
        path = inclusion_path(index, size, reader)
        assert len(reader.asked) == len(set(reader.asked))
        # Every node of a path but the one that holds the ragged right edge is one complete subtree.
        assert len(reader.asked) < len(path) + size.bit_length()
        covered = sum(1 << level for level, _ in reader.asked)
        assert covered == size - 1


@pytest.mark.parametrize("size", [2, 5, 11, 16, 21])
def test_no_other_index_size_leaf_or_path_fits_a_proof(size: int) -> None:
    leaves = leaves_of(size)
    root = naive_root(leaves)
    for index in range(size):
        path = naive_inclusion(index, leaves)
        for other in range(size):
            if other != index:
                refused(verify_inclusion, other, size, leaves[index], path, root, code="proof")
                refused(verify_inclusion, index, size, leaves[other], path, root, code="proof")
        for bad in (path[:-1], path[1:], [*path, root], [root, *path], [*path[:-1], root]):
            refused(verify_inclusion, index, size, leaves[index], bad, root, code="proof")


@pytest.mark.parametrize("size", [2, 5, 11, 16, 21])
def test_no_other_root_or_path_fits_a_consistency_proof(size: int) -> None:
    leaves = leaves_of(size)
    root = naive_root(leaves)
    for old in range(1, size):
        path, old_root = naive_consistency(old, leaves), naive_root(leaves[:old])
        refused(verify_consistency, old, size, root, root, path, code="proof")
        refused(verify_consistency, old, size, old_root, old_root, path, code="proof")
        refused(verify_consistency, size, old, root, old_root, path, code="proof")
        for bad in (path[:-1], path[1:], [*path, root], [root, *path], []):
            refused(verify_consistency, old, size, old_root, root, bad, code="proof")


@pytest.mark.parametrize("size", [2, 5, 11, 16, 21])
def test_a_path_of_another_length_leads_to_no_root_at_all(size: int) -> None:
    leaves = leaves_of(size)
    for index in range(size):
        path = naive_inclusion(index, leaves)
        assert inclusion_root(index, size, leaves[index], path) == naive_root(leaves)
        for bad in (path[:-1], [*path, leaves[0]]):
            refused(inclusion_root, index, size, leaves[index], bad, code="proof")
    for old in range(1, size):
        path, old_root = naive_consistency(old, leaves), naive_root(leaves[:old])
        assert consistency_root(old, size, old_root, path) == naive_root(leaves)
        for bad in (path[:-1], [*path, leaves[0]]):
            refused(consistency_root, old, size, old_root, bad, code="proof")


def test_what_the_rfc_leaves_open_is_decided_before_its_algorithm() -> None:
    root, other = leaf_hash(b"a"), leaf_hash(b"b")
    # Size 0: the empty root and an empty path, for both trees.
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    verify_consistency(0, 5, EMPTY_ROOT, root, [])
    refused(verify_consistency, 0, 5, other, root, [])
    refused(verify_consistency, 0, 5, EMPTY_ROOT, root, [other])
    refused(verify_consistency, 0, 0, root, root, [])
    refused(verify_consistency, 0, 0, EMPTY_ROOT, root, [])
    # Equal sizes: equal roots and an empty path.
    verify_consistency(5, 5, root, root, [])
    refused(verify_consistency, 5, 5, root, other, [])
    refused(verify_consistency, 5, 5, root, root, [other])
    # Smaller new tree, negative numbers, no leaf there.
    refused(verify_consistency, 6, 5, root, other, [other])
    refused(verify_consistency, -1, 5, root, other, [other])
    refused(verify_inclusion, 0, 0, root, [], EMPTY_ROOT)
    refused(verify_inclusion, -1, 1, root, [], root)
    refused(verify_inclusion, 1, 1, root, [], root)
    # For receipts there must be something to prove.
    refused(consistency_root, 0, 5, EMPTY_ROOT, [root])
    refused(consistency_root, 5, 5, root, [])


@pytest.mark.parametrize("length", [0, 12, 31, 33])
def test_hashes_that_are_not_32_bytes_are_refused_everywhere(length: int) -> None:
    short, root, leaf = b"x" * length, naive_root(leaves_of(2)), leaves_of(2)[0]
    refused(verify_inclusion, 0, 1, short, [], short)
    refused(verify_inclusion, 0, 2, leaf, [short], root)
    refused(verify_inclusion, 0, 2, leaf, [leaf], short)
    refused(verify_consistency, 1, 2, short, root, [leaf])
    refused(verify_consistency, 1, 2, leaf, short, [leaf])
    refused(verify_consistency, 1, 2, leaf, root, [short])
    refused(Frontier().append, short)
    refused(Frontier().extend, [leaf, short])
    refused(Frontier, size=1, peaks=(short,))


def test_a_frontier_has_one_peak_for_each_bit_of_its_size() -> None:
    refused(Frontier, size=3, peaks=(EMPTY_ROOT,), code="frontier")
    refused(Frontier, size=-1, peaks=(EMPTY_ROOT,), code="frontier")


def test_paths_are_made_only_for_leaves_and_trees_that_exist() -> None:
    reader = NaiveReader(leaves_of(3))
    refused(inclusion_path, 3, 3, reader, code="proof")
    refused(inclusion_path, -1, 3, reader, code="proof")
    refused(consistency_path, 4, 3, reader, code="proof")
    refused(consistency_path, -1, 3, reader, code="proof")


@given(st.integers(0, WORLD - 1), st.integers(1, WORLD), st.integers(0, 7), st.integers(0, 255), st.data())
def test_any_flipped_bit_of_a_proof_is_refused(index: int, size: int, bit: int, byte: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index %= size
    values = [leaves[index], *naive_inclusion(index, leaves), naive_root(leaves)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = _flip(values[place], byte % 32, bit)
    with pytest.raises(Rejected):
        verify_inclusion(index, size, values[0], values[1:-1], values[-1])


@given(st.integers(1, WORLD - 1), st.integers(2, WORLD), st.integers(0, 7), st.integers(0, 31), st.data())
def test_any_flipped_bit_of_a_consistency_proof_is_refused(
    old: int, size: int, bit: int, byte: int, data: st.DataObject
) -> None:
    leaves = leaves_of(size)
    old = 1 + old % (size - 1)
    values = [naive_root(leaves[:old]), *naive_consistency(old, leaves), naive_root(leaves)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = _flip(values[place], byte, bit)
    with pytest.raises(Rejected):
        verify_consistency(old, size, values[0], values[-1], values[1:-1])


@given(
    st.integers(-3, 2**40),
    st.integers(-3, 2**40),
    st.lists(st.binary(min_size=31, max_size=33), max_size=45),
    st.binary(min_size=32, max_size=32),
)
def test_made_up_proofs_are_refused_without_any_other_error(
    first: int, second: int, path: list[bytes], root: bytes
) -> None:
    with pytest.raises(Rejected):
        verify_inclusion(first, second, leaf_hash(b"x"), path, root)
    with pytest.raises(Rejected):
        verify_consistency(first, second, leaf_hash(b"x"), root, path)


def _flip(value: bytes, byte: int, bit: int) -> bytes:
    return value[:byte] + bytes([value[byte] ^ (1 << bit)]) + value[byte + 1 :]
