"""A scan that another system made is evidence like any other: sealed, with a receipt, and refused if changed."""

import hashlib
import json
from pathlib import Path

from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep
from custody.kernel.clock import SECOND_MS, to_iso
from custody.scans.scan import CAPTURED, make_capture, open_scan
from tests.handed_in import hand_in
from tests.rooms.pack.pack_world import PARCEL, World, key, observe, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import failed_steps, verification_of


def capture(world: World, station: str) -> int:
    """An event of another system about the parcel, posted by the station; its index."""
    seq, prev = world.heads[station]
    event = {"type": "ObjectEvent", "eventTime": to_iso(world.clock.at_ms), "eventTimeZoneOffset": "+00:00"}
    statement, opening = make_capture(
        json.dumps(event | observe(PARCEL, "inspecting")).encode(),
        {},
        station=station,
        subject="urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31",
        seq=seq + 1,
        prev=prev,
        iat_s=world.clock.at_ms // SECOND_MS,
        salt=hashlib.sha256(b"captured").digest(),
        signer=key(station),
    )
    (ack,) = hand_in(world.intake, [open_scan(statement, opening)]).result(timeout=60)
    assert ack.index is not None
    return ack.index


def test_a_captured_scan_is_sealed_in_the_pack_and_another_byte_of_it_is_refused(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        index = capture(world, "courier-7")
        open_case_of(world)
        content = world.export().content
        verify_pack(content, vkey=world.vkey).demand()
        (entry,) = (entry for entry in open_pack(content).entries if entry.index == index)
        assert entry.content_type == CAPTURED
        assert entry.opening is not None
        assert entry.receipt is not None
        assert entry.judged is not None
        changed = {f"entries/{index:012d}.opening": entry.opening[:-1] + b" "}
        assert PackStep.SCANS in failed_steps(verification_of(world, content, changed))
