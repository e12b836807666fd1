"""What a pack states and lets nobody check is named as not checked, and counts as verified for nobody."""

import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from api.cli.commands import app
from api.version import VERSION
from custody.investigation.pack.draw_up import INVESTIGATION, draw_up
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from tests.rooms.pack.pack_world import open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import reseal

ANSWER = {"headline": "It was the hub.", "lines": ["It was the hub."], "links": [], "reasons": [], "checks": []}


def test_an_answer_without_its_inputs_is_not_checked(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        content, vkey = world.export().content, world.vkey
        source = replace(open_pack(content).source, investigation={"stored": ANSWER, "inquiry": None})
        made = draw_up(source).files
        bare = reseal(world, content, made)
    verification = verify_pack(bare, vkey=vkey)
    verification.demand()
    (left,) = verification.unchecked
    assert (left.ok, left.where, "NOT CHECKED" in left.what) == (None, INVESTIGATION, True)
    assert verify_pack(content, vkey=vkey).unchecked == ()
    for raw, code in ((content, 0), (bare, 3)):
        file = tmp_path / "pack.zip"
        file.write_bytes(raw)
        told = [CliRunner().invoke(app, ["verify", str(file), "--vkey", vkey, *more]) for more in ([], ["--json"])]
        assert [each.exit_code for each in told] == [code, code], told[0].output
        value = json.loads(told[1].stdout)
        assert (value["version"], value["ok"], value["complete"]) == (VERSION, True, code == 0)
        assert ("could NOT be checked: investigation.json." in told[0].stdout.splitlines()[-1]) == (code != 0)
