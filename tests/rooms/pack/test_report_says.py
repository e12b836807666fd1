"""What people read in the report is what stands in the other files: each sentence and each row."""

import json
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from custody.gs1.keys import issue_gln, issue_pgln
from custody.investigation.pack.case import CaseDoc, CaseLine
from custody.investigation.pack.draw_up import derive, draw_up
from custody.investigation.pack.locks import LockFile
from custody.investigation.pack.report import FILE, peek
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.verification import PackStep
from custody.kernel import cbor, cose
from custody.kernel.clock import to_iso
from custody.usecases.export_pack import PackExported
from tests.rooms.pack.pack_world import IMEI, ORIGIN, World, key
from tests.rooms.pack.tamper import failed_steps, verification_of

Row = tuple[str, ...]


@dataclass
class Page(HTMLParser):
    """What a reader of the report sees: paragraphs, points of lists, headings, and tables by their captions."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    _tag: str = ""
    _said: str = ""
    _rows: list[list[str]] = field(default_factory=list)
    _caption: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("class")
        self._tag, self._said = f"{tag}.{name}" if name else tag, ""
        if tag == "tr":
            self._rows.append([])

    def handle_data(self, data: str) -> None:
        self._said += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._caption, self._rows = self._said, []
        elif tag in {"th", "td"}:
            self._rows[-1].append(self._said)
        elif tag == "table":
            self.tables[self._caption] = [tuple(row) for row in self._rows[1:]]
        elif tag in {"p", "li", "code", "h1", "h2", "h3", "title", "blockquote"}:
            self.texts.append((self._tag, self._said))
        self._said = ""

    def of(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in tags]


def page_of(opened: OpenedPack, **parts: Any) -> Page:
    """The report of a pack, or of one made of other parts."""
    page = Page()
    page.feed(derive(replace(opened.source, **parts))[FILE].decode())
    return page


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


@pytest.fixture(scope="module")
def page(opened: OpenedPack, files: dict[str, bytes]) -> Page:
    made = page_of(opened)
    read = Page()
    read.feed(files[FILE].decode())
    assert read == made
    return made


def at(ms: int | None) -> str:
    return "-" if ms is None else to_iso(ms)[:19].replace("T", " ") + " UTC"


def part(files: dict[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def short(text: str) -> str:
    """As people compare them: the digits of a key after its kind."""
    for kind, number in (("SSCC", "00"), ("GLN", "414"), ("PGLN", "417"), ("GIAI", "8004")):
        text = text.replace(f"https://id.gs1.org/{number}/", f"{kind} ")
    return text


def test_it_says_which_case_log_parcel_and_handset_it_is_about(page: Page, opened: OpenedPack, world: World) -> None:
    assert page.of("title", "h1") == [f"Evidence in case {world.case}"] * 2
    assert page.tables["This report"] == [
        ("Case", world.case),
        ("Exported", at(opened.manifest.created_ms)),
        ("Log", ORIGIN),
        ("Parcel", "SSCC 195214730000088169"),
        ("Handset", "...9159"),
    ]
    assert page.of("h2") == [
        "What happened",
        "What we promised",
        "The way of the parcel",
        "Where the chain is weak",
        "What was done to the handset",
        "What is left out",
        "How to check this",
    ]


def test_what_is_not_known_is_said_to_be_not_known(opened: OpenedPack) -> None:
    case = replace(opened.case, parcel=None, imei=None)
    assert page_of(opened, case=case).tables["This report"][-2:] == [("Parcel", "not known"), ("Handset", "not known")]


def test_it_tells_what_the_customer_said_and_every_step_since(page: Page, files: dict[str, bytes]) -> None:
    doc = part(files, "dispute.json")
    told, case = page.of("p"), doc["case"]["case"]
    assert f"Reported {at(case['opened_ms'])}; first heard {at(case['first_word_ms'])}." in told
    assert page.of("blockquote") == ["There was a power bank in the box."]
    assert "Found in the parcel instead: a power bank" in told
    assert "Kind of problem: substituted. Now: remedy offered." in told
    assert page.tables["What was done, in order"] == [
        (at(line["at_ms"]), line["actor"], line["kind"], f"entry {line['index']}") for line in doc["timeline"]
    ]


def _saying(doc: CaseDoc, **facts: Any) -> CaseDoc:
    return replace(doc, case={**doc.case, **facts})


def test_a_step_without_a_record_and_a_case_without_a_kind_are_shown_so(opened: OpenedPack) -> None:
    bare = {**opened.case.case["case"], "claim_type": None}
    line = CaseLine(at_ms=1, actor="agent-1", kind="device.seen_again", facts={}, index=None)
    case = replace(_saying(opened.case, case=bare, found_instead=None), timeline=(line,))
    page = page_of(opened, case=case)
    assert page.tables["What was done, in order"] == [(at(1), "agent-1", "device seen again", "-")]
    assert "Kind of problem: not yet. Now: remedy offered." in page.of("p")
    assert not any("Found in the parcel" in text for text in page.of("p"))


def test_it_tells_offer_choice_clocks_and_ways_to_go_without_us(page: Page, files: dict[str, bytes]) -> None:
    doc = part(files, "dispute.json")
    offer = doc["case"]["offer"]
    assert f"Offered {at(offer['offered_ms'])}; the customer chooses:" in page.of("p")
    assert {option["words"] for option in offer["options"]} <= set(page.of("li"))
    assert "Chosen: not yet." in page.of("p")
    assert "Promises: none." in page.of("p")
    assert page.tables["What the law sets"] == [
        (row["key"].replace("_", " "), row["starts"], row["last_day"]) for row in doc["case"]["legal_clocks"]
    ]
    assert page.tables["Ways to go without us"] == [
        (row["body"], {True: "yes", False: "no"}[row["independent"]], row["opens"], row["last_day"], row["how"])
        for row in doc["case"]["recourse"]
    ]
    assert {row[1] for row in page.tables["Ways to go without us"]} == {"yes", "no"}
    assert page.tables["What we told the customer"] == [(at(row["at_ms"]), row["text"]) for row in doc["messages"]]


def test_promises_are_told_with_their_sums(opened: OpenedPack) -> None:
    promise = {"what": "a refund", "due_ms": 5_000, "state": "in_time", "owner": "agent-1"}
    promises = ({**promise, "amount_pence": 120_905}, {**promise, "amount_pence": None}, promise)
    page = page_of(opened, case=replace(_saying(opened.case, offer=None, chosen="money_back"), promises=promises))
    told = [("a refund", at(5_000), pounds, "in time", "agent-1") for pounds in ("£1209.05", "-", "-")]
    assert page.tables["Promises"] == told
    assert "Chosen: money back." in page.of("p")
    assert not any(text.startswith("Offered") for text in page.of("p"))


def test_a_payment_that_came_back_is_not_told_as_kept_nor_what_was_replaced_as_missed(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    promise = {"what": "a refund", "due_ms": 5_000, "state": "kept", "owner": "agent-1", "id": "promise_1"}
    marks = ({"came_back": True}, {"state": "missed", "replaced": True}, {"replaced": True, "set_aside": True}, {})
    case = replace(opened.case, promises=tuple({**promise, **mark} for mark in marks))
    told = [row[3] for row in page_of(opened, case=case).tables["Promises"]]
    assert told == ["came back", "replaced", "set aside", "kept"]
    at_first = {**draw_up(replace(opened.source, case=case)).files}
    at_first[FILE] = derive(replace(opened.source, case=case), bare_promises=True)[FILE]
    assert PackStep.TRAIL not in failed_steps(verification_of(world, pack.content, at_first))


def test_signs_stand_for_what_no_html_may_hold_and_a_pack_made_before_holds(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    words = "It \x01never\x1b[31m\x7f\x85 reached\x08 me\ufdd0\U0001ffff.\tNot\nat all."
    source = replace(opened.source, case=_saying(opened.case, found_instead=words))
    report = derive(source)[FILE].decode()
    assert "It \u2401never\u241b[31m\u2421\ufffd reached\u2408 me\ufffd\ufffd.\tNot\nat all." in report
    assert not re.search("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\U0001fffe\U0001ffff]", report)
    for bare in (False, True):
        files = {**draw_up(source).files, FILE: derive(source, bare_controls=bare)[FILE]}
        assert (words.encode() in files[FILE]) == bare
        assert PackStep.TRAIL not in failed_steps(verification_of(world, pack.content, files))


def test_the_way_of_the_parcel_is_that_of_the_trail(page: Page, files: dict[str, bytes]) -> None:
    trail = part(files, "trail.json")
    assert trail["holder"]["sentence"] in page.of("p")
    assert page.tables["Who had the parcel"] == [
        (row["name"], short(row["custodian"]), at(row["from_ms"]), at(row["to_ms"]), "yes") for row in trail["segments"]
    ]
    signed = {"internal": "within one custodian", "named": "signed, and something does not fit"}
    signed |= {"one_sided": "one side signed"}
    assert page.tables["How it changed hands"] == [
        (row["name"], signed[row["signing"]], at(row["at_ms"]), row["sentence"]) for row in trail["handovers"]
    ]
    assert page.tables["Which place is where"] == [
        ("GLN 9521473000010", "2, B4"),
        ("GLN 9521473000027", "9"),
        ("GLN 9521473000034", "H1"),
        ("GLN 9521473000041", "3"),
        ("GLN 9521473000058", "C7, D2"),
    ]
    checks = [trail[name]["sentence"] for name in ("weight", "seal", "contents", "delivery")]
    checks += [row["sentence"] for row in trail["narrowings"]]
    assert [text for text in page.of("li") if text in checks] == checks
    stands_out = [(row["sentence"], row["severity"]) for row in trail["findings"]]
    assert (len(stands_out), page.tables["What stands out"]) == (3, stands_out)


def test_the_answer_names_places_shares_reasons_and_what_to_look_at(page: Page, files: dict[str, bytes]) -> None:
    stored = part(files, "investigation.json")["stored"]
    assert page.of("p.answer") == [short(stored["lines"][0])]
    lines = [short(line) for line in stored["lines"][1:]]
    assert [text for text in page.of("li") if text in lines] == lines
    places = {
        "ORIGIN": "already wrong when it was picked and packed, before the first scan",
        "AFTER": "after hand-over, by somebody who was not meant to have it",
        "NO_ANOMALY": "we found nothing unusual in our records",
    }
    named = [places.get(row["name"], short(row["name"]).replace("_", " ")) for row in stored["links"]]
    assert [row[0] for row in page.tables["Every possibility"]] == named
    shares = [row[1] for row in page.tables["Every possibility"]]
    assert shares == ["59 %", "32 %", "10 %", *["under 1 %"] * 8]
    assert page.tables["Why the first stands first"] == [
        (row["evidence"], row["words"], f"{row['decibans']:.1f} dB") for row in stored["reasons"]
    ]
    assert page.tables["What to look at next"] == [
        (short(row["title"]).replace("_", " "), short(row["who"]), "45 minutes") for row in stored["checks"]
    ]
    assert any("not findings about anybody" in text for text in page.of("p"))


def test_a_chain_that_was_not_examined_has_no_answer(opened: OpenedPack) -> None:
    page = page_of(opened, investigation={"stored": None, "inquiry": None})
    assert "The chain has not been examined yet, or this kind of problem needs no examination." in page.of("p")
    assert page.of("p.answer") == []
    assert "Every possibility" not in page.tables
    assert not any("not findings about anybody" in text for text in page.of("p"))


def test_commands_are_told_with_their_reason_authority_and_answer(page: Page, opened: OpenedPack) -> None:
    (history,) = opened.locks.orders
    (command,) = history.commands
    assert "Order lock-1: active provisional" in page.of("h3")
    said = ("1. lock", "substituted", "Standing policy of two people.", at(command.issued_ms))
    assert page.tables["Commands and answers"] == [(*said, f"applied, {at(command.acked_ms)}")]
    assert f"Steps in the log: {', '.join(map(str, history.indexes))}." in page.of("p")
    assert "Nothing was done to the handset." not in page.of("p")


def test_a_command_without_answer_or_authority_and_an_order_without_steps_are_told_so(opened: OpenedPack) -> None:
    (history,) = opened.locks.orders
    (command,) = history.commands
    bare = cose.sign({cose.CWT_CLAIMS: {}}, cbor.encode({"op": "unlock", "authority": "mine"}), key("unlock"))
    unanswered = replace(command, raw=bare, ack=None, acked_ms=None)
    changed = replace(history, commands=(command, unanswered), indexes=())
    page = page_of(opened, locks=replace(opened.locks, orders=(changed,)))
    assert page.tables["Commands and answers"][1:] == [("2. unlock", "not yet", "-", at(command.issued_ms), "none yet")]
    assert "Steps in the log: none." in page.of("p")
    nothing = page_of(opened, locks=LockFile(keys=opened.locks.keys, orders=()))
    assert "Nothing was done to the handset." in nothing.of("p")
    assert not any("Order" in text for text in nothing.of("h3"))


def test_what_carries_no_map_tells_nothing() -> None:
    attached = cose.sign({cose.CWT_CLAIMS: {}}, cbor.encode(["lock"]), key("lock"))
    detached = cose.sign({cose.CWT_CLAIMS: {}}, cbor.encode({"op": "lock"}), key("lock"), detached=True)
    for raw in (b"", b"nonsense", attached, detached, cose.sign({cose.CWT_CLAIMS: {}}, b"\xff", key("lock"))):
        assert peek(raw) == {}


def test_what_was_left_out_is_listed_with_the_reason(page: Page, opened: OpenedPack) -> None:
    why = "it may tell of somebody's health"
    assert page.tables["Left out"] == [("dispute.json", "/case/case/support_needs", why)]
    assert "Erased at the source; the log keeps a digest only: none." in page.of("p")
    assert not any("Dropped" in text for text in page.of("p"))
    whole = replace(opened.redactions[0], file="entries/1.opening", where="")
    assert page_of(opened, redactions=(whole,)).tables["Left out"] == [("entries/1.opening", "the whole file", why)]


def test_it_says_how_to_check_it_against_which_head(page: Page, opened: OpenedPack) -> None:
    count, size = len(opened.entries), opened.head.size
    assert any(f"{count} entries of the log {ORIGIN} at {size} entries" in text for text in page.of("p"))
    assert [text for text in page.of("code") if text] == ["weaklink verify PACK.zip", opened.head.root.hex()]
    assert any("One command checks all of it without asking us" in text for text in page.of("p"))


def test_keys_of_every_kind_are_named_as_people_compare_them(opened: OpenedPack) -> None:
    stored = dict(opened.investigation["stored"])
    root = "https://id.gs1.org/"
    keys = [
        issue_gln("9521473", 1).uri,
        issue_pgln("9521473", 1).uri,
        f"{root}8003/1",
        f"{root}8004/2",
        f"{root}8018/3",
    ]
    stored["lines"] = [" ".join(keys)]
    (said,) = page_of(opened, investigation={"stored": stored, "inquiry": None}).of("p.answer")
    assert said == "GLN 9521473000010 PGLN 9521473000010 GRAI 1 GIAI 2 GSRN 3"


def test_the_name_of_a_case_cannot_bring_anything_into_the_page(opened: OpenedPack) -> None:
    parts = replace(opened.source.case, dispute="case_1-a.b<script>\"'$title/")
    page = page_of(opened, case=parts)
    assert page.of("title") == ["Evidence in case case_1-a.bscripttitle"]
    assert page.tables["This report"][0] == ("Case", "case_1-a.b<script>\"'$title/")
    assert IMEI not in str(page)


def test_a_stay_that_was_not_scanned_is_told_as_such(opened: OpenedPack) -> None:
    gone = [entry for entry in opened.entries if b'"bizStep": "staging_outbound"' in (entry.opening or b"")]
    departs = [entry for entry in opened.entries if b'"bizStep": "departing"' in (entry.opening or b"")]
    assert (len(gone), len(departs)) == (1, 1)
    entries = tuple(entry for entry in opened.entries if entry not in (*gone, *departs))
    rows = page_of(opened, entries=entries).tables["Who had the parcel"]
    assert [row[4] for row in rows if re.match("dock", row[0])] == ["no scan; the route leads through it"]
