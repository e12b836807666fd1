"""What an investigation left in the database as JSON: its stored answer, and what its checks have shown.

The one place where that JSON is read. A document that is not what was written raises `Fatal("stored_inquiry")`.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from custody.investigation.result import CheckResult
from custody.kernel.errors import Fatal
from custody.store.tables import InquiryRow

RECOMPUTE = "recompute"
"""In a stored answer: what it was computed from."""

Kind = TypeVar("Kind")


class ListedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check that a stored answer lists; an answer from before lacks what came later."""

    check: str
    title: str
    own: str | UnsetType | None = UNSET
    stay: int | UnsetType | None = UNSET
    who: str | UnsetType = UNSET


class StoredLink(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a stored ranking; `site` and `step` are None outside the chain."""

    site: str | None
    step: str | None
    probability: float


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What lists need of an answer: its headline, its links, likeliest first, and its checks."""

    headline: str
    links: tuple[StoredLink, ...]
    checks: tuple[ListedCheck, ...] = ()

    @property
    def leading(self) -> tuple[str, str | None] | None:
        """Site and step of the likeliest link; None if nothing in the chain leads."""
        first = self.links[0] if self.links else None
        return None if first is None or first.site is None else (first.site, first.step)


class _Examined(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class _Inputs(msgspec.Struct, frozen=True, kw_only=True):
    dispute: _Examined


class _Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    inputs: _Inputs


class _Computed(msgspec.Struct, frozen=True, kw_only=True):
    recompute: _Inquiry


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    check: str | None = None
    title: str | None = None
    found: bool | None = None
    own: str | None = None
    stay: int | None = None


def stored_answer(row: InquiryRow | None) -> StoredAnswer | None:
    """The answer that was stored last; None before the first run."""
    return None if row is None or row.result is None else _read(row.result, StoredAnswer)


def listed_checks(row: InquiryRow) -> tuple[ListedCheck, ...]:
    """The checks of the answer that was stored last; none before the first run."""
    answer = stored_answer(row)
    return () if answer is None else answer.checks


def without_inputs(result: str) -> tuple[dict[str, Any], Any]:
    """The answer that was stored last, and apart from it what it was computed from, if that is still there."""
    stored = _read(result, dict[str, Any])
    inputs = stored.pop(RECOMPUTE, None)
    return stored, inputs


def examined(result: str) -> str:
    """The case whose chain an answer with its inputs was computed for."""
    return _read(result, _Computed).recompute.inputs.dispute.id


def check_result(facts: str) -> CheckResult | None:
    """What a check has shown, by its line of a timeline; None where its words were erased."""
    shown = _read(facts, _Shown)
    if shown.check is None or shown.title is None or shown.found is None:
        return None
    return CheckResult(check=shown.check, title=shown.title, found=shown.found, own=shown.own, stay=shown.stay)


def _read(text: str, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        detail = f"what is stored of an investigation cannot be read: {error}"
        raise Fatal("stored_inquiry", detail, fix="Restore it from a backup, or judge the chain again.") from error
