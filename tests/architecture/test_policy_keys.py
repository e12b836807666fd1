"""A rule of the casework policy governs what it says, or says that it governs nothing."""

import ast

from custody.disputes.policy import DEFAULT_POLICY, EARLIER_POLICIES, STATED_ONLY
from tests.architecture.checkout import HOUSES, files, text

EARLIER = (
    "8d4cfb1d9c050a802cec11f30511b35c96ca72a5e9a1f132ffd7d57f83ffd6dd",
    "9be99698519e198787a591060a777b4e2146f1ef7c9bc7ce155b1a8fb521ab06",
)
"""The versions that cases pinned: before notes said which rules are stated only, and before cases were referred or an
exception could be asked for."""


def read_by_the_code() -> set[str]:
    """Every text constant in the houses: a rule is asked for by its key, written out."""
    sources = [name for name in files() if name.endswith(".py") and name.split("/", 1)[0] in HOUSES]
    nodes = (node for name in sources for node in ast.walk(ast.parse(text(name))))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_a_rule_that_nothing_reads_says_that_it_is_stated_only_and_no_other_does() -> None:
    read = read_by_the_code()
    unread = {rule.key for rule in DEFAULT_POLICY.rules if rule.key not in read}
    assert {rule.key for rule in DEFAULT_POLICY.rules if rule.note.startswith(STATED_ONLY)} == unread


def test_cases_of_before_find_the_policy_that_they_pinned_with_the_same_values() -> None:
    assert tuple(before.pinned for before in EARLIER_POLICIES) == EARLIER
    for before in EARLIER_POLICIES:
        same = [(rule.key, rule.value, rule.effective_from) for rule in before.rules]
        assert same == [(rule.key, rule.value, rule.effective_from) for rule in DEFAULT_POLICY.rules]
