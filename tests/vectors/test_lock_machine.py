"""The lock order's table against the published machine, when WEAKLINK_VECTORS names the folder with the vectors."""

import json
import os
from pathlib import Path

import pytest

from devicelock.rules.order import FACTS, START, TERMINAL, TRANSITIONS, State

FOLDER = os.environ.get("WEAKLINK_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WEAKLINK_VECTORS does not name a folder of vectors")


def test_the_table_of_the_lock_order_is_the_published_one() -> None:
    published = json.loads((Path(FOLDER or "") / "casework/machines.json").read_text())["lock"]
    assert (START, set(TERMINAL)) == (published["start"], set(published["terminal"]))
    ours = {
        (state, move.to, event, tuple(sorted(move.who)), move.guards) for (state, event), move in TRANSITIONS.items()
    }
    theirs = {
        (row["from"], row["to"], row["event"], tuple(sorted(row["who"])), tuple(row["guards"]))
        for row in published["transitions"]
    }
    assert ours == theirs
    assert {state: (FACTS[state].owner, FACTS[state].clock) for state in State} == {
        state: (facts["owner"], facts["clock"]) for state, facts in published["states"].items()
    }
