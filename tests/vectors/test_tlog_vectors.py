"""Vectors for trees, tiles, notes and checkpoints that others made.

They lie outside this repository: set WEAKLINK_VECTORS to a folder with `tlog/rfc6962`, `tlog/transparency-dev-merkle`
(transparency-dev/merkle testdata), `tlog/tessera` (transparency-dev/tessera testdata/log and its vkey) and `tlog/c2sp`
(the example of signed-note).
"""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custody.kernel.errors import NotFound, Rejected
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.merkle import (
    Frontier,
    consistency_path,
    inclusion_path,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from custody.ledger.note import Ed25519Verifier, NoteVerifier, open_note, parse_vkey
from custody.ledger.tiles import ENTRIES, TileHashReader, TileId, decode_bundle, levels_of, tiles_of

FOLDER = os.environ.get("WEAKLINK_VECTORS", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="WEAKLINK_VECTORS names no folder with test vectors")
TLOG = Path(FOLDER) / "tlog"
TESSERA = TLOG / "tessera/testdata/log"


def test_the_reference_tree_of_rfc_6962() -> None:
    tree = json.loads((TLOG / "rfc6962/reference-tree.json").read_text())
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in tree["leaf_inputs_hex"]]
    for size in range(len(leaves) + 1):
        assert Frontier().extend(leaves[:size]).root().hex() == tree["root_hash_hex_by_size"][str(size)]


def test_the_inclusion_proofs_of_transparency_dev_merkle() -> None:
    agreed, differ = compare(
        "inclusion",
        lambda case: verify_inclusion(
            case["leafIdx"], case["treeSize"], raw(case["leafHash"]), path(case), raw(case["root"])
        ),
    )
    assert (agreed, differ) == (98, [])


def test_the_consistency_proofs_of_transparency_dev_merkle_but_the_one_with_short_roots() -> None:
    agreed, differ = compare(
        "consistency",
        lambda case: verify_consistency(
            case["size1"], case["size2"], raw(case["root1"]), raw(case["root2"]), path(case)
        ),
    )
    assert agreed == 97
    assert [(case["wantErr"], len(raw(case["root1"])), len(raw(case["root2"]))) for case in differ] == [(False, 12, 12)]


def test_the_inclusion_proofs_for_subtrees_of_transparency_dev_merkle() -> None:
    """A subtree from `start` to `end` is a tree of its own, in which the leaf stands `start` places further left."""
    agreed, differ = compare(
        "subtreeinclusion",
        lambda case: verify_inclusion(
            case["leafIdx"] - case["start"],
            case["end"] - case["start"],
            raw(case["leafHash"]),
            path(case),
            raw(case["root"]),
        ),
    )
    assert (agreed, differ) == (204, [])


def test_the_example_of_signed_note() -> None:
    key = parse_vkey((TLOG / "c2sp/signed-note-example.vkey").read_text().strip())
    note = open_note((TLOG / "c2sp/signed-note-example.txt").read_bytes(), [Ed25519Verifier(key=key)])
    assert note.text == "This is an example message.\n"


def test_every_checkpoint_and_tile_of_the_tessera_log() -> None:
    log, roots = tessera_log(), {}
    for size in range(16):
        checkpoint = open_checkpoint((TESSERA / f"checkpoint.{size}").read_bytes(), log)
        assert checkpoint.size == size
        roots[size] = checkpoint.root
    assert open_checkpoint((TESSERA / "checkpoint").read_bytes(), log).size == 15
    for size in range(1, 16):
        (bundle,) = tiles_of(size, ENTRIES)
        leaves = [leaf_hash(entry) for entry in decode_bundle(read(bundle), size)]
        assert Frontier().extend(leaves).root() == roots[size]
        assert [b"".join(leaves)] == [read(tile) for level in levels_of(size) for tile in tiles_of(size, level)]
        reader = TileHashReader(read, size, root=roots[size])
        for index in range(size):
            verify_inclusion(index, size, leaves[index], inclusion_path(index, size, reader), roots[size])
        for old in range(size + 1):
            verify_consistency(old, size, roots[old], roots[size], consistency_path(old, size, reader))


def test_a_tile_that_the_tessera_log_does_not_have_is_not_found() -> None:
    with pytest.raises(NotFound):
        read(TileId(level=0, number=0))


def tessera_log() -> NoteVerifier:
    return Ed25519Verifier(key=parse_vkey((TLOG / "tessera/vkey.txt").read_text().strip()))


def read(tile: TileId) -> bytes:
    file = TESSERA / tile.path
    if not file.is_file():
        raise NotFound("tile", f"there is no {tile.path}", fix="Ask for another.")
    return file.read_bytes()


def compare(kind: str, verify: Callable[[dict[str, Any]], None]) -> tuple[int, list[dict[str, Any]]]:
    """How many verdicts agree with the vectors, and the cases that differ."""
    agreed, differ = 0, []
    for file in sorted((TLOG / "transparency-dev-merkle/testdata" / kind).rglob("*.json")):
        case = json.loads(file.read_text())
        try:
            verify(case)
            refused = False
        except Rejected:
            refused = True
        if refused == case["wantErr"]:
            agreed += 1
        else:
            differ.append(case)
    return agreed, differ


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def path(case: dict[str, Any]) -> list[bytes]:
    return [raw(node) for node in case["proof"] or []]
