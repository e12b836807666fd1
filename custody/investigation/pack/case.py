"""dispute.json: what the customer said, what we decided and promised, by when, and what was said between us.

| member | what |
|---|---|
| dispute, item, parcel, imei | the case, and under which key the trail was read |
| case | the file of the case: words, state, offer, choice, asks, clocks, ways to go without us |
| timeline | every step: when, who, what, and the log entry that records it |
| promises, messages | what we promised, until when, and what we told the customer |
| evidence | files that were sent to us, by digest; the files themselves are not in the pack |

Left out: support needs (they may tell of somebody's health), what is known of the customer from before (the
customer's past has no place in the evidence), and who is who in the contract. These, and every contact, are listed in
redactions.json.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custody.investigation.pack.json_form import plain, read_as, read_json
from custody.investigation.pack.redact import Redaction, leave_out, redact
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

FILE = "dispute.json"
LEFT_OUT = {
    "support_needs": "it may tell of somebody's health",
    "notes_in_favour": "the customer's past has no place in the evidence",
    "people": "it names people who are no part of the evidence",
}


_LATER = "/timeline, entry "


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A line of the timeline; `index` is None if the log holds no record of it."""

    at_ms: Instant
    actor: str
    kind: str
    facts: dict[str, Any]
    index: int | None

    @property
    def record_kind(self) -> str:
        """The kind of the record that the log holds of it."""
        return self.kind if "." in self.kind else f"dispute.{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMessage:
    """A message to the customer."""

    at_ms: Instant
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """A file that belongs to the case."""

    media_type: str
    sha256: str
    bytes: int
    given_by: str
    at_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDoc:
    """The typed form of dispute.json; `case` and `promises` are as the casework writes them."""

    dispute: str
    item: str
    parcel: str | None
    imei: str | None
    case: dict[str, Any]
    timeline: tuple[CaseLine, ...]
    promises: tuple[dict[str, Any], ...]
    messages: tuple[CaseMessage, ...]
    evidence: tuple[GivenFile, ...]


def write_case(
    file: Mapping[str, Any],
    *,
    item: str,
    timeline: Sequence[CaseLine],
    promises: Sequence[Mapping[str, Any]],
    messages: Sequence[CaseMessage],
    evidence: Sequence[GivenFile],
) -> tuple[CaseDoc, tuple[Redaction, ...]]:
    """The document of a case and what was left out; `file` is the stored file of the case as JSON writes it."""
    kept = {key: value for key, value in file.items() if key not in {"imei", "parcel"}}
    case = dict(kept["case"])
    left = leave_out(case, LEFT_OUT, file=FILE, where="/case/case")
    whole = CaseDoc(
        dispute=case["id"],
        item=item,
        parcel=file.get("parcel"),
        imei=file.get("imei"),
        case={**kept, "case": case},
        timeline=tuple(timeline),
        promises=tuple(dict(promise) for promise in promises),
        messages=tuple(messages),
        evidence=tuple(evidence),
    )
    cut, redacted = redact(plain(whole), file=FILE)
    return read_as(cut, CaseDoc, where=FILE), (*left, *redacted)


def read_case(raw: bytes) -> CaseDoc:
    """The document of a pack; raises `Rejected("pack_json")`."""
    doc = read_as(read_json(raw, where=FILE), CaseDoc, where=FILE)
    if doc.case.get("case", {}).get("id") != doc.dispute:
        raise Rejected("pack_json", f"{FILE}: the case is another than the dispute", fix="Ask for the pack again.")
    return doc


def later_step(index: int) -> Redaction:
    """The omission of a step that the log recorded after the checkpoint of the pack."""
    why = "the log recorded this step after the checkpoint that the pack is proved against"
    return Redaction(file=FILE, where=f"{_LATER}{index}", why=why)


def later_steps(redactions: Sequence[Redaction]) -> list[int]:
    """The entries of such steps that were left out; raises `Rejected("pack_json")` for what is no entry."""
    told = [row.where for row in redactions if row.file == FILE and row.where.startswith(_LATER)]
    names = [where.removeprefix(_LATER) for where in told]
    if wrong := [name for name in names if not (name.isascii() and name.isdecimal())]:
        raise Rejected("pack_json", f"{wrong[0]!r} is no entry of a later step", fix="Ask for the pack again.")
    return sorted(map(int, names))


def pinned_policy(doc: CaseDoc) -> str:
    """The version of the casework policy that the case was opened under."""
    return str(doc.case["case"].get("policy_version", ""))
