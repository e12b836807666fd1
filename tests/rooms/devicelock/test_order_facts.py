"""The facts of an order have one typed read, and nothing is written that it does not know."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from devicelock.order_facts import OrderFacts, PutBack, ShownCheck, read_text, release_reason
from devicelock.rules.command import Reason
from devicelock.store import LockEventRow
from tests.architecture.checkout import python_files, tree

WRITERS = {"add_facts"}


def test_every_fact_that_is_written_of_an_order_is_one_that_is_read() -> None:
    written = {
        keyword.arg
        for name in python_files("api", "devicelock")
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITERS
        for keyword in node.keywords
    }
    assert len(written) > 7
    assert written <= set(OrderFacts.__struct_fields__)


def step_with(facts: Mapping[str, Any]) -> LockEventRow:
    return LockEventRow(order="lock-1", at_ms=1, event="release", actor="agent-1", facts=json.dumps(facts), idx=1)


def test_an_order_of_an_older_version_or_whose_words_were_erased_has_what_is_left() -> None:
    assert read_text("{}") == OrderFacts()
    refused = {"checks": [{"check": "kill_switch", "ok": None, "reason": "unknown", "allowed_by": "Wait.", "more": 1}]}
    (shown,) = read_text(json.dumps(refused)).checks
    assert shown == ShownCheck(check="kill_switch", ok=None, reason="unknown", allowed_by="Wait.")
    assert release_reason(step_with({})) is None
    assert release_reason(step_with({"reason": "found_by_customer", "counter": 3})) is Reason.FOUND_BY_CUSTOMER
    kept = {"entries": ["entry:3"], "put_back": {"end_ms": 7, "by_s": {"a": 2}}, "of_another_version": 1}
    assert read_text(json.dumps(kept)) == OrderFacts(entries=["entry:3"], put_back=PutBack(end_ms=7, by_s={"a": 2}))
