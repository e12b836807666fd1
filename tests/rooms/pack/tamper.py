"""Packs that somebody with the operator's own keys has changed: everything is sealed anew, and still it must not hold.

`reseal` puts other files in, writes a fitting manifest and has the log record it, as the operator himself could do. So
what refuses such a pack is not the manifest but the step that looks at the thing that was changed.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import delete
from sqlmodel import col

from custody.investigation.pack.case import later_steps
from custody.investigation.pack.draw_up import Draft, draw_up
from custody.investigation.pack.json_form import read_json, write_json
from custody.investigation.pack.redact import read_redactions
from custody.investigation.pack.seal import MANIFEST, SEAL, write_manifest
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.kernel.errors import Rejected
from custody.store import case_book
from custody.store.tables import DisputeEventRow
from custody.usecases.export_pack import Drawn, seal_pack
from tests.rooms.pack.pack_world import ORIGIN, World


def reseal(world: World, content: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The pack with files changed (None takes one away), sealed by the operator once more."""
    opened = open_pack(content)
    files = {name: raw for name, raw in opened.files.items() if name not in {MANIFEST, SEAL}}
    for name, raw in changes.items():
        if raw is None:
            del files[name]
        else:
            files[name] = raw
    manifest = write_manifest(
        files, created_ms=opened.manifest.created_ms, dispute=opened.manifest.dispute, origin=ORIGIN
    )
    return seal_anew(world, opened, Draft(files=files, manifest=manifest))


def seal_anew(world: World, opened: OpenedPack, draft: Draft) -> bytes:
    """A draft, sealed in the place of a pack whose export the operator takes back, with what came after its checkpoint.

    Nothing of that is kept: the log goes on as it was.
    """
    with world.house.look() as unit:
        lines = delete(DisputeEventRow).where(col(DisputeEventRow.dispute) == world.case)
        beyond = col(DisputeEventRow.idx) >= opened.head.size, col(DisputeEventRow.idx).not_in(_named_later(draft))
        unit.session.execute(lines.where(*beyond))
        line = case_book.next_line(unit, world.case)
        drawn = Drawn(dispute=world.case, line=line, head=opened.head, draft=draft)
        return seal_pack(unit, drawn, actor="agent-1", log_signer=world.log).content


def _named_later(draft: Draft) -> list[int]:
    with suppress(Rejected):
        return later_steps(read_redactions(draft.files))
    return []


def edit(pack: OpenedPack, name: str, change: Callable[[Any], Any]) -> dict[str, bytes]:
    """One JSON file with its value changed; `change` may alter it in place and return nothing."""
    value = read_json(pack.files[name], where=name)
    changed = change(value)
    return {name: write_json(value if changed is None else changed)}


def failed_steps(verification: Verification) -> set[PackStep]:
    """The steps in which something does not hold."""
    return {check.step for check in verification.failures}


def verification_of(world: World, content: bytes, changes: Mapping[str, bytes | None]) -> Verification:
    """What a checker says of a changed pack."""
    return verify_pack(reseal(world, content, changes), vkey=world.vkey)


def told_otherwise(world: World, content: bytes, **parts: Any) -> Verification:
    """What a checker says of the pack made of other parts, with every file that follows from them made anew."""
    opened = open_pack(content)
    made = draw_up(replace(opened.source, **parts)).files
    gone = set(opened.files) - set(made) - {MANIFEST, SEAL}
    return verification_of(world, content, {**dict.fromkeys(gone), **made})
