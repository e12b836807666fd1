from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Fatal, Rejected
from custody.ledger.merkle import (
    HASH_BYTES,
    Frontier,
    consistency_path,
    inclusion_path,
    verify_consistency,
    verify_inclusion,
)
from custody.ledger.tiles import (
    ENTRIES,
    TileHashReader,
    TileId,
    decode_bundle,
    edge_of,
    encode_bundle,
    extend_tiles,
    frontier_of,
    levels_of,
    parse_path,
    tile_width,
    tiles_above,
    tiles_beside,
    tiles_of,
)
from tests.rooms.ledger.small_world import MemoryLog, NaiveReader, leaves_of, naive_root, refused


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(level=0, number=0), "tile/0/000"),
        (TileId(level=0, number=1234067, width=5), "tile/0/x001/x234/067.p/5"),
        (TileId(level=7, number=999, width=255), "tile/7/999.p/255"),
        (TileId(level=63, number=1000), "tile/63/x001/000"),
        (TileId(level=ENTRIES, number=0, width=1), "tile/entries/000.p/1"),
        (TileId(level=ENTRIES, number=70_000), "tile/entries/x070/000"),
    ],
)
def test_a_tile_and_its_path_are_two_spellings_of_one_thing(tile: TileId, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile//000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/8x/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/../000",
        "tile/0/x001/../000",
        "tile/0/%30%30%30",
        "tile/0/\u0660\u0660\u0660",
        "tile/\u0660/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/-1",
        "tile/0/000.P/1",
        "tile/entries/000.p/256",
        "tile/Entries/000",
        "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
    ],
)
def test_path_tricks_are_refused(path: str) -> None:
    refused(parse_path, path, code="path")


@given(st.integers(-1, 63), st.integers(0, 2**56 - 1), st.integers(1, 256))
def test_every_tile_is_found_again_by_its_path(level: int, number: int, width: int) -> None:
    tile = TileId(level=level, number=number, width=width)
    assert parse_path(tile.path) == tile


@given(st.text(alphabet="tile/entrisx0123456789.p-", max_size=40))
def test_a_path_that_is_taken_is_written_back_as_it_was(text: str) -> None:
    try:
        tile = parse_path(text)
    except Rejected:
        return
    assert tile.path == text


def test_tiles_of_a_size_are_those_of_the_specification() -> None:
    assert [tile.path for level in levels_of(256) for tile in tiles_of(256, level)] == ["tile/0/000", "tile/1/000.p/1"]
    assert [tile.path for level in levels_of(700) for tile in tiles_of(700, level)] == [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
    ]
    assert [tile.path for tile in edge_of(70_000)] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert list(levels_of(0)) == []
    assert edge_of(0) == []
    assert tile_width(70_000, 0, 272) == 256
    assert tile_width(70_000, 0, 274) == 0
    assert [tile.width for tile in tiles_of(300, ENTRIES)] == [256, 44]


@pytest.mark.parametrize("group", [1, 7, 255, 256, 257, 1000])
def test_tiles_grow_the_same_whatever_the_groups(group: int) -> None:
    size = 1000
    leaves = leaves_of(size)
    frontier, files = Frontier(), {}
    edge: Mapping[int, bytes] = {}
    for start in range(0, size, group):
        growth = extend_tiles(frontier, edge, leaves[start : start + group])
        frontier, edge = growth.frontier, growth.edge
        files.update({tile.id: tile.data for tile in growth.tiles})
        assert frontier_of(frontier.size, edge) == frontier
        assert [len(edge[tile.level]) for tile in edge_of(frontier.size)] == [
            32 * tile.width for tile in edge_of(frontier.size)
        ]
    assert frontier == Frontier().extend(leaves)
    for level in levels_of(size):
        span = 256**level
        for tile in tiles_of(size, level):
            starts = range(tile.number * 256 * span, (tile.number * 256 + tile.width) * span, span)
            assert files[tile] == b"".join(naive_root(leaves[start : start + span]) for start in starts)


def test_a_group_writes_only_what_changed_and_one_partial_tile_a_level() -> None:
    leaves = leaves_of(700)
    first = extend_tiles(Frontier(), {}, leaves[:300])
    assert [tile.id.path for tile in first.tiles] == ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]
    second = extend_tiles(first.frontier, first.edge, leaves[300:310])
    assert [tile.id.path for tile in second.tiles] == ["tile/0/001.p/54"]
    third = extend_tiles(second.frontier, second.edge, leaves[310:700])
    assert [tile.id.path for tile in third.tiles] == ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]
    assert extend_tiles(third.frontier, third.edge, []).tiles == ()


def test_a_large_tree_reaches_the_third_level() -> None:
    leaves = [number.to_bytes(32, "big") for number in range(66_000)]
    growth = extend_tiles(Frontier(), {}, leaves)
    assert growth.frontier == Frontier().extend(leaves) == frontier_of(66_000, growth.edge)
    assert sorted(growth.edge) == [0, 1, 2]
    files = {tile.id: tile.data for tile in growth.tiles}
    reader = TileHashReader(files.__getitem__, 66_000, root=growth.frontier.root())
    for index in (0, 65_535, 65_536, 65_999):
        path = inclusion_path(index, 66_000, reader)
        verify_inclusion(index, 66_000, leaves[index], path, growth.frontier.root())


def test_an_edge_that_does_not_fit_the_size_stops_the_writer() -> None:
    leaves = leaves_of(10)
    growth = extend_tiles(Frontier(), {}, leaves)
    for edge in ({}, {0: growth.edge[0][:-32]}, {0: growth.edge[0] + leaves[0]}):
        with pytest.raises(Fatal):
            extend_tiles(growth.frontier, edge, leaves)
        refused(frontier_of, 10, edge, code="tile")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 700])
@pytest.mark.parametrize("proven", [False, True])
def test_tiles_answer_every_subtree_as_the_definition_does(size: int, proven: bool) -> None:  # noqa: FBT001 - a parameter
    log = MemoryLog().append([f"entry {number}".encode() for number in range(size)])
    leaves = leaves_of(size)
    root = naive_root(leaves)
    reader, naive = TileHashReader(log.get, size, root=root if proven else None), NaiveReader(leaves)
    for level in range(10):
        for index in range(size >> level):
            assert reader.read(level, index) == naive.read(level, index)
    for index in range(0, size, 37):
        verify_inclusion(index, size, leaves[index], inclusion_path(index, size, reader), root)
    for old in range(1, size, 41):
        path = consistency_path(old, size, reader)
        verify_consistency(old, size, naive_root(leaves[:old]), root, path)


@given(size=st.integers(1, 2**40), data=st.data())
def test_every_hash_of_a_path_stands_above_its_leaf_or_at_the_edge(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    held = {tile: bytes(tile.width * HASH_BYTES) for tile in tiles_beside(leaf, size)}
    assert all(tile.width for tile in held)
    assert len(held) <= 2 * len(levels_of(size))
    inclusion_path(leaf, size, TileHashReader(held.__getitem__, size))
    consistency_path(leaf + 1, size, TileHashReader(held.__getitem__, size))


@given(size=st.integers(1, 2**40), data=st.data())
def test_whoever_holds_the_frontier_needs_no_tile_for_a_path_but_those_above_its_leaf(
    size: int, data: st.DataObject
) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    held = {tile: bytes(tile.width * HASH_BYTES) for tile in tiles_above(leaf, size)}
    assert len(held) <= len(levels_of(size))
    frontier = Frontier(size=size, peaks=(bytes(HASH_BYTES),) * size.bit_count())
    reader = TileHashReader(held.__getitem__, size, frontier=frontier)
    inclusion_path(leaf, size, reader)
    consistency_path(leaf + 1, size, reader)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700, 768])
def test_a_frontier_answers_as_the_tiles_do_and_spares_the_edge(size: int) -> None:
    log = MemoryLog().append([f"entry {number}".encode() for number in range(size)])
    leaves, asked = leaves_of(size), set()

    def get(tile: TileId) -> bytes:
        asked.add(tile)
        return log.get(tile)

    naive = NaiveReader(leaves)
    for (level, index), peak in log.frontier.placed().items():
        assert peak == naive.read(level, index)
    for index in {0, size // 2, size - 1}:
        asked.clear()
        path = inclusion_path(index, size, TileHashReader(get, size, frontier=log.frontier))
        assert path == inclusion_path(index, size, naive)
        assert asked <= tiles_above(index, size)


@pytest.mark.parametrize(("leaf", "size"), [(-1, 700), (700, 700), (0, 0)])
def test_beside_a_leaf_that_the_tree_does_not_hold_is_the_edge_alone(leaf: int, size: int) -> None:
    assert tiles_beside(leaf, size) == set(edge_of(size))


def test_subtrees_that_the_tree_does_not_hold_whole_are_refused() -> None:
    log = MemoryLog().append([b"x"] * 300)
    reader = TileHashReader(log.get, 300)
    for level, index in ((0, 300), (0, -1), (-1, 0), (8, 1), (9, 0)):
        refused(reader.read, level, index, code="tile")


def test_each_tile_is_fetched_once() -> None:
    log, asked = MemoryLog().append([b"x"] * 700), []

    def get(tile: TileId) -> bytes:
        asked.append(tile.path)
        return log.get(tile)

    reader = TileHashReader(get, 700, root=log.frontier.root())
    for index in range(700):
        inclusion_path(index, 700, reader)
    assert sorted(asked) == ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]


@given(st.integers(0, 3), st.integers(0, 8191), st.integers(0, 7))
def test_any_flipped_bit_of_an_untrusted_tile_is_refused(which: int, byte: int, bit: int) -> None:
    log = MemoryLog().append([f"entry {number}".encode() for number in range(700)])
    tile = [tile for level in levels_of(700) for tile in tiles_of(700, level)][which]
    raw = bytearray(log.files[tile.path])
    raw[byte % len(raw)] ^= 1 << bit
    log.files[tile.path] = bytes(raw)
    refused(_read_everywhere, log)


@pytest.mark.parametrize("cut", [0, 32, 8160, 8224])
def test_a_tile_of_another_width_is_refused(cut: int) -> None:
    log = MemoryLog().append([b"x"] * 256)
    whole = log.files["tile/0/000"]
    log.files["tile/0/000"] = (whole + whole)[:cut]
    refused(TileHashReader(log.get, 256).read, 0, 0, code="tile")


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_give_back_their_entries(entries: list[bytes]) -> None:
    raw = encode_bundle(entries)
    assert decode_bundle(raw, len(entries)) == entries
    if entries:
        refused(decode_bundle, raw, len(entries) - 1, code="bundle")
        refused(decode_bundle, raw[:-1], len(entries), code="bundle")
    refused(decode_bundle, raw, len(entries) + 1, code="bundle")


@given(st.binary(max_size=60), st.integers(0, 5))
def test_a_bundle_is_taken_only_if_it_is_written_back_the_same(raw: bytes, width: int) -> None:
    try:
        entries = decode_bundle(raw, width)
    except Rejected:
        return
    assert encode_bundle(entries) == raw


def test_an_entry_of_more_than_65535_bytes_has_no_place_in_a_bundle() -> None:
    assert decode_bundle(encode_bundle([b"x" * 65_535]), 1) == [b"x" * 65_535]
    refused(encode_bundle, [b"x" * 65_536], code="entry")


def _read_everywhere(log: MemoryLog) -> None:
    reader = TileHashReader(log.get, log.frontier.size, root=log.frontier.root())
    for index in range(0, log.frontier.size, 100):
        inclusion_path(index, log.frontier.size, reader)
