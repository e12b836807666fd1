"""Policy as data: what we owe and until when, each number with its source.

- A rule is one row: key, value, unit, source, confidence, whether it is a legal floor, its date of effect, a note.
  For a floor, `kinder` says which way is kinder to the customer: `larger`, `smaller`, or `fixed` (the law's own value).
- For a date the rule with the latest `effective_from` not after that date counts. `adr_weeks` has two.
- The house may override a rule. A floor may only be made kinder than the law in force on the day of the override, and
  a later change of the law counts again from its own day. An override has the shape of the rule that it replaces.
- `version` is the SHA-256 of the deterministic CBOR of all rules and overrides. A case pins it as hex text
  (`pinned`); `encoded` is the content of the log entry `application/vnd.weaklink.policy+cbor`.
- `2015-10-01` is the true date only of the Consumer Rights Act rules; elsewhere it stands for "already in force".
  Confidence: `verified` in a published source, `secondary`, `from knowledge`, or `house default`.
- A rule that nothing reads says so: its note begins with `stated only:`, and tells what keeps it instead, if anything.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from custody.kernel import cbor
from custody.kernel.errors import NotFound, Rejected

DIRECTIONS = frozenset({"larger", "smaller", "fixed"})
STATED_ONLY = "stated only: "
"""How the note of a rule begins that nothing reads."""
FIELDS = frozenset(
    {"key", "value", "unit", "source", "confidence", "legal_floor", "kinder", "effective_from", "note"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the policy. Lists and tables inside `value` are read-only."""

    key: str
    value: Any
    unit: str
    source: str
    confidence: str
    legal_floor: bool
    kinder: str | None
    effective_from: date
    note: str = ""

    def __post_init__(self) -> None:
        if self.legal_floor != (self.kinder is not None) or (self.kinder or "fixed") not in DIRECTIONS:
            raise Rejected(
                "policy",
                f"{self.key}: `kinder` is {self.kinder!r}",
                fix="A floor says larger, smaller or fixed; other rules say nothing.",
            )

    def plain(self) -> dict[str, Any]:
        """The row as JSON and CBOR write it."""
        return {
            "key": self.key,
            "value": _thawed(self.value),
            "unit": self.unit,
            "source": self.source,
            "confidence": self.confidence,
            "legal_floor": self.legal_floor,
            "kinder": self.kinder,
            "effective_from": self.effective_from.isoformat(),
            "note": self.note,
        }


@dataclass(frozen=True, kw_only=True)
class CaseworkPolicy:
    """All rules and the house's overrides; immutable, so its version names it for ever."""

    rules: tuple[Rule, ...]
    overrides: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        for rows in (self.rules, self.overrides):
            names = [(rule.key, rule.effective_from) for rule in rows]
            if len(set(names)) != len(names):
                raise Rejected("policy", "a key stands twice for one date", fix="Keep one row for a key and a date.")
        for override in self.overrides:
            _check(override, law=_law(self.rules, override.key, override.effective_from))

    def rule(self, key: str, on_date: date) -> Rule:
        """The rule in force; raises `NotFound("policy")` for an unknown key and for a date before its first row."""
        house = _newest(self.overrides, key, on_date)
        law = _law(self.rules, key, on_date)
        return house if house is not None and house.effective_from >= law.effective_from else law

    def in_force(self, key: str, on_date: date) -> bool:
        """Whether any rule of that key was in force on that day."""
        return _newest(self.rules, key, on_date) is not None

    def value(self, key: str, on_date: date) -> Any:
        """The value in force."""
        return self.rule(key, on_date).value

    def count(self, key: str, on_date: date, *, part: str | None = None) -> int:
        """A whole number in force, or one part of a table of whole numbers."""
        value = self.value(key, on_date)
        if part is not None:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, bool) or not isinstance(value, int):
            where = key if part is None else f"{key}.{part}"
            raise Rejected("policy", f"{where} is not a whole number", fix="Ask for a key that counts something.")
        return value

    def pence(self, key: str, on_date: date) -> int:
        """A sum of money in force, given in pounds, in pence."""
        value = self.value(key, on_date)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Rejected("policy", f"{key} is not a sum of money", fix="Ask for a key in GBP.")
        return int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))

    def changes(self, key: str, after: date, until: date) -> tuple[tuple[date, Any], ...]:
        """Days after one date and up to another on which the value in force changes, with the new value."""
        days = sorted({rule.effective_from for rule in (*self.rules, *self.overrides) if rule.key == key})
        return tuple((day, self.value(key, day)) for day in days if after < day <= until)

    def override(self, key: str, value: Any, *, from_date: date, note: str) -> "CaseworkPolicy":
        """This policy with one more house rule; raises `Rejected("floor")` if it is less kind than the law."""
        law = _law(self.rules, key, from_date)
        rule = replace(
            law,
            value=_frozen(value),
            source="house override",
            confidence="house default",
            effective_from=from_date,
            note=note,
        )
        kept = tuple(old for old in self.overrides if (old.key, old.effective_from) != (key, from_date))
        return CaseworkPolicy(rules=self.rules, overrides=(*kept, rule))

    @cached_property
    def encoded(self) -> bytes:
        """Deterministic CBOR of everything."""
        rules = sorted(self.rules, key=lambda rule: (rule.key, rule.effective_from))
        overrides = sorted(self.overrides, key=lambda rule: (rule.key, rule.effective_from))
        return cbor.encode(
            {"kind": "policy", "rules": [r.plain() for r in rules], "overrides": [r.plain() for r in overrides]}
        )

    @cached_property
    def version(self) -> bytes:
        """SHA-256 of `encoded`."""
        return hashlib.sha256(self.encoded).digest()

    @property
    def pinned(self) -> str:
        """The version as a case pins it: 64 hex digits."""
        return self.version.hex()


def read_policy(encoded: bytes) -> CaseworkPolicy:
    """The policy in a log entry's content; raises `Rejected("cbor")` or `Rejected("policy")`."""
    value = cbor.decode(encoded)
    if not isinstance(value, dict) or set(value) != {"kind", "rules", "overrides"} or value["kind"] != "policy":
        raise Rejected("policy", "not a policy document", fix="Send the map with kind, rules and overrides.")
    return CaseworkPolicy(rules=tuple(_rules(value["rules"])), overrides=tuple(_rules(value["overrides"])))


def _rules(rows: Any) -> Iterator[Rule]:
    if not isinstance(rows, list):
        raise Rejected("policy", "the rules are not a list", fix="Send a list of rows.")
    for row in rows:
        if not isinstance(row, dict) or set(row) != FIELDS:
            raise Rejected(
                "policy", f"a row has not exactly the fields {', '.join(sorted(FIELDS))}", fix="Complete it."
            )
        try:
            day = date.fromisoformat(row["effective_from"])
        except (TypeError, ValueError) as error:
            raise Rejected("policy", f"{row['key']}: no date of effect", fix="Write it like 2026-04-08.") from error
        yield Rule(**{**row, "value": _frozen(row["value"]), "effective_from": day})


def _newest(rules: tuple[Rule, ...], key: str, on_date: date) -> Rule | None:
    found = [rule for rule in rules if rule.key == key and rule.effective_from <= on_date]
    return max(found, key=lambda rule: rule.effective_from, default=None)


def _law(rules: tuple[Rule, ...], key: str, on_date: date) -> Rule:
    rule = _newest(rules, key, on_date)
    if rule is None:
        raise NotFound(
            "policy",
            f"no rule {key!r} was in force on {on_date.isoformat()}",
            fix="Use a key of the policy and a date on or after its first date of effect.",
        )
    return rule


def _check(override: Rule, *, law: Rule) -> None:
    if not _same_shape(law.value, override.value):
        raise Rejected(
            "policy",
            f"{law.key}: {_thawed(override.value)!r} has not the shape of {_thawed(law.value)!r}",
            fix="Keep the kind of value and every part of a table; numbers are not negative.",
        )
    if not law.legal_floor:
        return
    new, old = override.value, law.value
    fair, limit = {
        "larger": (new >= old, "at least"),
        "smaller": (new <= old, "at most"),
        "fixed": (new == old, "exactly"),
    }[law.kinder or "fixed"]
    if not fair:
        raise Rejected(
            "floor",
            f"{law.key}: {new!r} is less kind than the law ({law.source})",
            fix=f"The law asks for {limit} {old!r} from {law.effective_from.isoformat()} on.",
        )


def _same_shape(law: Any, new: Any) -> bool:
    if isinstance(law, bool) or isinstance(new, bool):
        return isinstance(law, bool) and isinstance(new, bool)
    if isinstance(law, int):
        return isinstance(new, int) and new >= 0
    if isinstance(law, float):
        return isinstance(new, int | float) and 0 <= new < float("inf")
    if isinstance(law, str):
        return isinstance(new, str)
    if isinstance(law, tuple):
        return isinstance(new, tuple) and all(_same_shape(first, item) for first in law[:1] for item in new)
    return isinstance(new, Mapping) and set(law) <= set(new) and all(_same_shape(law[key], new[key]) for key in law)


def _frozen(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return value


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thawed(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    return value


def _read_json(name: str) -> Any:
    return json.loads(files("custody.disputes").joinpath(name).read_text(encoding="utf-8"))


def _with_notes(policy: CaseworkPolicy, notes: Mapping[str, str]) -> CaseworkPolicy:
    rules = (replace(rule, note=notes.get(rule.key, rule.note)) for rule in policy.rules)
    return replace(policy, rules=tuple(rules))


DEFAULT_POLICY = CaseworkPolicy(rules=tuple(_rules(_read_json("policy.json"))))
EARLIER_POLICIES = tuple(_with_notes(DEFAULT_POLICY, notes) for notes in _read_json("policy_before.json"))
"""What cases were opened under before, oldest first, with the same values and other notes.

At first no note said which rules are stated only; then those of referrals and exceptions were.
"""
