"""The lock order's table against the published machine, when WEAKLINK_VECTORS names the folder with the vectors."""

import json
import os
from pathlib import Path

import pytest

from devicelock.rules.order import FACTS, START, TERMINAL, TRANSITIONS, OrderEvent, OrderState

FOLDER = os.environ.get("WEAKLINK_VECTORS")
OURS = {(OrderState.QUEUED, OrderEvent.RELEASE), (OrderState.REQUESTED, OrderEvent.WITHDRAW)}
"""The published machine knows one lock system; a release that another one has yet to carry out is no cancellation. It
has no word for a request that is withdrawn before anybody decides it."""
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WEAKLINK_VECTORS does not name a folder of vectors")


def test_the_table_of_the_lock_order_is_the_published_one() -> None:
    published = json.loads((Path(FOLDER or "") / "casework/machines.json").read_text())["lock"]
    assert (START, set(TERMINAL)) == (published["start"], set(published["terminal"]))
    later = {
        OrderState.RELEASED_UNCONFIRMED
    }  # ours: a handset that never answers does not keep its order open for ever
    ours = {
        (state, move.to, event, tuple(sorted(move.who)), move.guards)
        for (state, event), move in TRANSITIONS.items()
        if not {state, move.to} & later and (state, event) not in OURS
    }
    theirs = {
        (row["from"], row["to"], row["event"], tuple(sorted(row["who"])), tuple(row["guards"]))
        for row in published["transitions"]
    }
    assert ours == theirs
    assert {state: (FACTS[state].owner, FACTS[state].clock) for state in set(OrderState) - later} == {
        state: (facts["owner"], facts["clock"]) for state, facts in published["states"].items()
    }
