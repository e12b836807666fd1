"""A tree that is held whole is the tree of RFC 9162, and its paths are those of the definition."""

import pytest

from custody.kernel.errors import Rejected
from custody.kernel.merkle import EMPTY_ROOT, SmallTree, inclusion_root, verify_inclusion
from tests.rooms.ledger.small_world import leaves_of, naive_inclusion, naive_root, refused


@pytest.mark.parametrize("size", [*range(70), 127, 128, 129, 255, 256, 257])
def test_roots_and_paths_are_those_of_the_definition(size: int) -> None:
    leaves = leaves_of(size)
    tree = SmallTree.of(leaves)
    assert (tree.size, tree.root) == (size, naive_root(leaves))
    for index in range(size):
        assert tree.path(index) == naive_inclusion(index, leaves)


def test_a_tree_without_leaves_has_the_empty_root_and_no_paths() -> None:
    tree = SmallTree.of([])
    assert (tree.size, tree.root) == (0, EMPTY_ROOT)
    refused(tree.path, 0, code="proof")


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_there_is_no_path_beside_the_tree(index: int) -> None:
    refused(SmallTree.of(leaves_of(3)).path, index, code="proof")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_what_is_no_hash_is_no_leaf(length: int) -> None:
    refused(SmallTree.of, [b"\0" * length], code="proof")


@pytest.mark.parametrize("size", [2, 3, 5, 8, 200, 256])
def test_a_path_proves_its_leaf_at_its_place_and_nothing_else(size: int) -> None:
    leaves = leaves_of(size)
    tree = SmallTree.of(leaves)
    for index in {0, 1, size // 2, size - 1}:
        path = tree.path(index)
        verify_inclusion(index, size, leaves[index], path, tree.root)
        refused(verify_inclusion, index, size, leaves[index - 1], path, tree.root, code="proof")
        for elsewhere in {0, 1, size // 2, size - 1} - {index}:
            with pytest.raises(Rejected):
                verify_inclusion(elsewhere, size, leaves[index], path, tree.root)
        assert inclusion_root(index, size, leaves[index - 1], path) != tree.root
