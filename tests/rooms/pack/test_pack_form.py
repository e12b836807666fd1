"""What a pack must hold before anything in it is believed: each file, under one manifest, of one log and one case."""

from collections.abc import Mapping

import pytest

from custody.investigation.pack.archive import write_zip
from custody.investigation.pack.entries import TABLE as ENTRIES
from custody.investigation.pack.entries import stem
from custody.investigation.pack.json_form import read_json, write_json
from custody.investigation.pack.redact import TABLE as REDACTIONS
from custody.investigation.pack.seal import MANIFEST, SEAL, write_manifest
from custody.investigation.verify.form import FIXED, OpenedPack, open_pack
from custody.kernel.errors import Rejected
from custody.usecases.export_pack import PackExported


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


def written(opened: OpenedPack, changes: Mapping[str, bytes | None], *, origin: str = "", dispute: str = "") -> bytes:
    """The pack with files changed (None takes one away) under a manifest that fits them."""
    files = {**opened.files, **changes}
    kept = {name: raw for name, raw in files.items() if raw is not None and name not in {MANIFEST, SEAL}}
    about = {"origin": origin or opened.manifest.origin, "dispute": dispute or opened.manifest.dispute}
    manifest = write_manifest(kept, created_ms=opened.manifest.created_ms, **about)
    return write_zip({**kept, MANIFEST: manifest, SEAL: opened.files[SEAL]})


def refusal(raw: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        open_pack(raw)
    return refused.value.detail


@pytest.mark.parametrize("name", sorted(FIXED - {MANIFEST, SEAL}))
def test_a_file_that_every_pack_has_is_missed_by_its_name(opened: OpenedPack, name: str) -> None:
    assert f"{name} is missing" in refusal(written(opened, {name: None}))


def test_the_manifest_names_the_log_and_the_case_that_the_files_are_of(opened: OpenedPack) -> None:
    assert open_pack(written(opened, {})).files.keys() == opened.files.keys()
    assert "names another log" in refusal(written(opened, {}, origin="other.example/custody"))
    assert "names another case" in refusal(written(opened, {}, dispute="case_other"))


@pytest.mark.parametrize("name", ["investigation.json", "policy.json", "log.json"])
def test_a_file_with_more_or_fewer_members_than_it_has_is_refused(opened: OpenedPack, name: str) -> None:
    value = read_json(opened.files[name], where=name)
    fewer = {member: value[member] for member in sorted(value)[1:]}
    for other in ({**value, "more": 1}, fewer, sorted(value), None):
        assert f"{name} does not hold exactly" in refusal(written(opened, {name: write_json(other)}))


@pytest.mark.parametrize(("where", "why"), [("", ""), ("/words", "entries.json does not describe entry")])
def test_a_part_that_was_left_out_of_a_file_is_no_reason_for_a_whole_one(
    opened: OpenedPack, where: str, why: str
) -> None:
    entry = next(entry for entry in opened.entries if entry.opening is not None)
    name = f"{stem(entry.index)}.opening"
    redactions = read_json(opened.files[REDACTIONS], where=REDACTIONS)
    rows = read_json(opened.files[ENTRIES], where=ENTRIES)
    next(row for row in rows if row["index"] == entry.index)["opening"] = "withheld"
    left = {"file": name, "where": where, "why": "it holds a contact"}
    raw = written(opened, {name: None, REDACTIONS: write_json([*redactions, left]), ENTRIES: write_json(rows)})
    if why:
        assert why in refusal(raw)
    else:
        assert open_pack(raw).redactions[-1].file == name
