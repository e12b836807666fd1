"""report.html: the human half of a pack, made from its other files and from nothing else.

What happened, what we promised, where the parcel was, where the chain is weak, what was done to the handset, what is
left out, how to check it. It is a plain page: no scripts, nothing from outside, tables with captions, fit for print and
for screen readers. A checker makes it again from the files and compares, so it cannot say what they do not.

On the weak link it says what the investigation said, by its rules of wording: a place and never a person, the second
and third possibility beside the first, whole per cents, and nothing against the customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

from custody.gs1.keys import ROOT
from custody.investigation.pack.case import CaseDoc
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.erased import names_of_erased, told_erased
from custody.investigation.pack.locks import LockCommand, LockFile, LockHistory
from custody.investigation.pack.markup import codes, heading, link, listing, moment, para, quote, section, table
from custody.investigation.pack.redact import Redaction
from custody.investigation.percent import percent
from custody.investigation.wording import NOTHING_UNUSUAL
from custody.kernel import cbor, cose
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.kernel.shown_text import shown_text
from custody.ledger.checkpoint import Checkpoint
from custody.trail.describe import mask_serial

FILE = "report.html"
COMMAND = "weaklink verify PACK.zip"
FAIR = (
    "These are shares of what is possible, not findings about anybody. They name places in our chain and never a "
    "person. What is owed to the customer does not wait for them and does not depend on them."
)
PLACES = {
    "ORIGIN": "already wrong when it was picked and packed, before the first scan",
    "AFTER": "after hand-over, by somebody who was not meant to have it",
    "NO_ANOMALY": NOTHING_UNUSUAL,
}
NAMES = (
    ("00/", "SSCC "),
    ("414/", "GLN "),
    ("417/", "PGLN "),
    ("8003/", "GRAI "),
    ("8004/", "GIAI "),
    ("8018/", "GSRN "),
)
PROOFS = {
    "dual": "both sides signed",
    "named": "signed, and something does not fit",
    "one_sided": "one side signed",
    "internal": "within one custodian",
    "gap": "nobody signed",
    "recipient": "the recipient confirmed",
}

MARKS = ("set_aside", "replaced", "came_back")

_PAGE = Template(files("custody.investigation.pack").joinpath("report.html").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParts:
    """What a report is made of: the contents of the other files.

    Three make it as reports were made before: `dropped_as_erased`, where what was dropped after its time was told as
    erased; `bare_promises`, where a payment that came back was told as kept, and what was replaced as missed; and
    `bare_controls`, where control characters stood as they were said.
    """

    created_ms: Instant
    head: Checkpoint
    case: CaseDoc
    trail: Mapping[str, Any]
    investigation: Mapping[str, Any]
    locks: LockFile
    entries: Sequence[PackEntry]
    redactions: Sequence[Redaction]
    dropped_as_erased: bool = False
    bare_promises: bool = False
    bare_controls: bool = False


def write_report(parts: ReportParts) -> dict[str, bytes]:
    """The file."""
    sections = {
        "happened": ("What happened", _happened(parts)),
        "promised": ("What we promised", _promised(parts)),
        "way": ("The way of the parcel", _way(parts)),
        "weak": ("Where the chain is weak", _weak(parts)),
        "handset": ("What was done to the handset", _handset(parts)),
        "left-out": ("What is left out", _left_out(parts)),
        "check": ("How to check this", _check(parts)),
    }
    page = _PAGE.substitute(
        title=f"Evidence in case {_safe(parts.case.dispute)}",
        intro=_intro(parts),
        contents="\n".join(link(name, title) for name, (title, _) in sections.items()),
        sections="\n".join(section(name, title, body) for name, (title, body) in sections.items()),
    )
    return {FILE: (page if parts.bare_controls else shown_text(page)).encode()}


def _intro(parts: ReportParts) -> str:
    doc = parts.case
    facts = [("Case", doc.dispute), ("Exported", moment(parts.created_ms)), ("Log", parts.head.origin)]
    facts += [("Parcel", _named(doc.parcel)), ("Handset", mask_serial(doc.imei) if doc.imei else "not known")]
    return table("This report", ("What", "Value"), facts)


def _happened(parts: ReportParts) -> Iterable[str]:
    doc = parts.case
    case = doc.case["case"]
    yield para(f"Reported {moment(case['opened_ms'])}; first heard {moment(case['first_word_ms'])}.")
    yield para("From the first word on the report is taken as true. In the customer's own words:")
    yield quote(str(case["words"]))
    if doc.case.get("found_instead"):
        yield para(f"Found in the parcel instead: {doc.case['found_instead']}")
    yield para(f"Kind of problem: {_plain(case.get('claim_type'))}. Now: {_plain(case.get('state'))}.")
    rows = [(moment(line.at_ms), line.actor, _plain(line.kind), _entry_name(line.index)) for line in doc.timeline]
    yield table("What was done, in order", ("When", "Who", "What", "Record in the log"), rows)


def _promised(parts: ReportParts) -> Iterable[str]:
    doc = parts.case
    offer = doc.case.get("offer")
    if offer:
        yield para(f"Offered {moment(offer['offered_ms'])}; the customer chooses:")
        yield listing(f"{option['words']}" for option in offer["options"])
    yield para(f"Chosen: {_plain(doc.case.get('chosen'))}.")
    rows = [
        (row["what"], moment(row["due_ms"]), _pounds(row.get("amount_pence")), _plain(now), row["owner"])
        for row in doc.promises
        for now in [row["state"] if parts.bare_promises else _became(row)]
    ]
    yield table("Promises", ("What", "By", "Sum", "Now", "Who sees to it"), rows)
    legal = [(_plain(row["key"]), str(row["starts"]), str(row["last_day"])) for row in doc.case.get("legal_clocks", ())]
    yield table("What the law sets", ("What", "Counts from", "Last day"), legal)
    ways = [
        (row["body"], "yes" if row["independent"] else "no", str(row["opens"]), str(row["last_day"]), row["how"])
        for row in doc.case.get("recourse", ())
    ]
    yield table("Ways to go without us", ("Who decides", "Independent of us", "From", "Last day", "How"), ways)
    yield table("What we told the customer", ("When", "Text"), [(moment(row.at_ms), row.text) for row in doc.messages])


def _became(promise: Mapping[str, Any]) -> str:
    """What became of a promise; its state alone does not tell whether the customer has what it was for."""
    return next((mark for mark in MARKS if promise.get(mark)), str(promise["state"]))


def _way(parts: ReportParts) -> Iterable[str]:
    trail = parts.trail
    yield para(trail["holder"]["sentence"])
    rows = [
        (
            row["name"],
            _named(row["custodian"]),
            moment(row["from_ms"]),
            moment(row["to_ms"]),
            "yes" if row["seen"] else "no scan; the route leads through it",
        )
        for row in trail["segments"]
    ]
    yield table("Who had the parcel", ("Where", "Custodian", "From", "Until", "Scanned"), rows)
    hands = [(row["name"], PROOFS[row["signing"]], moment(row["at_ms"]), row["sentence"]) for row in trail["handovers"]]
    yield table("How it changed hands", ("Between", "Signed", "When", "In words"), hands)
    sites: dict[str, set[str]] = {}
    for row in trail["entries"]:
        sites.setdefault(row["site"], set()).add(row["place"])
    legend = [(_named(site), ", ".join(sorted(places))) for site, places in sorted(sites.items())]
    yield table("Which place is where", ("Site", "Places"), legend)
    yield heading("Checks along the way")
    said = [trail[trace]["sentence"] for trace in ("weight", "seal", "contents", "delivery")]
    yield listing([*said, *(row["sentence"] for row in trail["narrowings"])])
    notes = [(row["sentence"], row["severity"]) for row in trail["findings"]]
    yield table("What stands out", ("What", "How much it matters"), notes)


def _weak(parts: ReportParts) -> Iterable[str]:
    stored = parts.investigation["stored"]
    if not stored:
        yield para("The chain has not been examined yet, or this kind of problem needs no examination.")
        return
    head, *lines = map(_named, stored["lines"])
    yield para(head, name="answer")
    yield listing(lines)
    rows = [(_place(row["name"]), percent(row["probability"])) for row in stored["links"]]
    yield table("Every possibility", ("Where", "Share"), rows)
    reasons = [(row["evidence"], row["words"], f"{row['decibans']:.1f} dB") for row in stored["reasons"]]
    yield table("Why the first stands first", ("Evidence", "In words", "Weight"), reasons)
    checks = [(_place(row["title"]), _named(row["who"]), f"{row['minutes']:.0f} minutes") for row in stored["checks"]]
    yield table("What to look at next", ("What", "Who", "Time"), checks)
    yield para(FAIR)


def _handset(parts: ReportParts) -> Iterable[str]:
    if not parts.locks.orders:
        yield para("Nothing was done to the handset.")
    for history in parts.locks.orders:
        yield heading(f"Order {history.order}: {_plain(history.state)}")
        rows = [_command(number, command) for number, command in enumerate(history.commands, 1)]
        yield table("Commands and answers", ("Command", "Why", "On whose authority", "Signed", "The answer"), rows)
        yield para(f"Steps in the log: {_steps(history)}.")
    yield para("A lock keeps a handset from being used. It erases nothing, and one person or the customer releases it.")


def _left_out(parts: ReportParts) -> Iterable[str]:
    rows = [(row.file, row.where or "the whole file", row.why) for row in parts.redactions]
    yield table("Left out", ("File", "Where", "Why"), rows)
    told = {} if parts.dropped_as_erased else told_erased(parts.entries)
    erased: list[tuple[str]] = []
    dropped: list[tuple[str]] = []
    for opening, name in names_of_erased(parts.entries):
        (dropped if told.get(opening) else erased).append((name,))
    yield table("Erased at the source; the log keeps a digest only", ("Entry",), erased)
    if dropped:
        yield table("Dropped when their time was over; the log keeps a digest only", ("Entry",), dropped)


def _check(parts: ReportParts) -> Iterable[str]:
    yield para(
        "Every scan, record, command and answer in this pack is signed, and its place in a log that nobody can "
        "rewrite is proved. One command checks all of it without asking us; VERIFY.txt says how to check it by hand."
    )
    yield codes([COMMAND])
    yield para(
        f"The pack holds {len(parts.entries)} entries of the log {parts.head.origin} at {parts.head.size} entries. Ask "
        "the log, a carrier or the independent scheme for the log's key and give it to the command, so that nothing "
        "in the pack vouches for itself. The log's head at that size:"
    )
    yield codes([parts.head.root.hex()])


def _command(number: int, command: LockCommand) -> tuple[str, ...]:
    body = peek(command.raw)
    authority = body.get("authority")
    text = authority.get("text") if isinstance(authority, dict) else None
    answer = "none yet"
    if command.ack is not None:
        answer = f"{_plain(peek(command.ack).get('result'))}, {moment(command.acked_ms)}"
    said = (f"{number}. {_plain(body.get('op'))}", _plain(body.get("reason")), str(text or "-"))
    return (*said, moment(command.issued_ms), answer)


def peek(raw: bytes) -> Mapping[str, Any]:
    """The map that a command or an answer carries; empty if it carries none."""
    try:
        payload = cose.parse(raw).payload
        value = cbor.decode(payload) if payload is not None else None
    except Rejected:
        return {}
    return value if isinstance(value, dict) else {}


def _steps(history: LockHistory) -> str:
    return ", ".join(map(str, history.indexes)) or "none"


def _named(text: str | None) -> str:
    """A text with the addresses of GS1 keys as the names and digits that people compare."""
    for head, name in NAMES:
        text = text.replace(ROOT + head, name) if text else text
    return text or "not known"


def _place(text: str) -> str:
    return PLACES.get(text, _named(text).replace("_", " "))


def _entry_name(index: int | str | None) -> str:
    return "-" if index is None else f"entry {index}"


def _pounds(pence: Any) -> str:
    return f"£{pence // 100}.{pence % 100:02d}" if isinstance(pence, int) else "-"


def _plain(word: Any) -> str:
    """A word of ours without its underscores and dots."""
    return str(word).replace("_", " ").replace(".", " ") if word else "not yet"


def _safe(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum() or letter in "-_.")
