"""GS1 identifiers, events and hashes against other people's vectors.

Needs the environment variable WEAKLINK_VECTORS: a folder with `epcis` in it, holding GS1's examples, the event-hash
examples of the CBV reference implementation, and rows from the unit tests of gs1-syntax-engine and that implementation.
"""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from stdnum import numdb

from custody.gs1 import schema
from custody.gs1.canonical import gs1_key
from custody.gs1.check_digit import gs1_check_digit, is_digits
from custody.gs1.digital_link import find_key, parse_link
from custody.gs1.document import read_document
from custody.gs1.event_hash import event_hash
from custody.gs1.parse_event import parse_event
from custody.kernel.errors import Rejected

FOLDER = os.environ.get("WEAKLINK_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WEAKLINK_VECTORS names no folder with vectors")
ROOT = Path(FOLDER or ".") / "epcis"


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of one file of identifiers."""
    return [json.loads(line) for line in (ROOT / "identifiers" / name).read_text().splitlines()]


def examples() -> list[Path]:
    """GS1's example documents."""
    return sorted((ROOT / "gs1-examples").rglob("*.jsonld"))


def own_events(raw: bytes) -> list[Any]:
    """The events as a plain JSON reader sees them."""
    body = json.loads(raw.decode("utf-8-sig"))["epcisBody"]
    found: list[Any] = body.get("eventList") or body["queryResults"]["resultsBody"]["eventList"]
    return found


def test_all_47_gs1_examples_are_taken_and_their_56_events_come_back_byte_for_byte() -> None:
    count = 0
    for path in examples():
        raw = path.read_bytes()
        document = read_document(raw)
        assert [json.loads(piece) for piece in document.events] == own_events(raw)
        at = 0
        for piece in document.events:
            at = raw.index(piece, at) + len(piece)
            event = parse_event(piece, prefixes=document.prefixes, foreign=True)
            assert event.raw == piece
            count += 1
    assert (len(examples()), count) == (47, 56)


def test_only_the_example_with_a_name_twice_needs_the_foreign_leniency() -> None:
    strict = set()
    for path in examples():
        document = read_document(path.read_bytes())
        try:
            for piece in document.events:
                parse_event(piece, prefixes=document.prefixes)
        except Rejected:
            strict.add(path.name)
    assert strict == {"AssociationEvent-h.jsonld"}


def test_what_our_schema_takes_the_published_schema_takes_too() -> None:
    published = json.loads((ROOT / "schema" / "epcis-json-schema-2.0.0.json").read_text())
    validator = jsonschema_rs.validator_for(published, validate_formats=True)
    for path in [*examples(), *sorted((ROOT / "event-hash").glob("*.jsonld"))]:
        raw = path.read_bytes()
        for event in own_events(raw):
            schema.validate(event)
            whole = {"@context": json.loads(raw.decode("utf-8-sig"))["@context"], **event}
            assert validator.is_valid(whole), path.name


def test_all_event_hashes_of_the_reference_implementations_json_cases_are_met() -> None:
    met = total = 0
    for path in sorted((ROOT / "event-hash").glob("*.jsonld")):
        raw = path.read_bytes()
        document = read_document(raw)
        ignore = json.loads(raw).get("repository-x:ignoreFields", [])
        made = [
            event_hash(json.loads(piece), prefixes=document.prefixes or {}, ignore=ignore) for piece in document.events
        ]
        wanted = path.with_suffix(".hashes").read_text().split()
        met += sum(one == other for one, other in zip(made, wanted, strict=True))
        total += len(wanted)
    assert (met, total) == (20, 20)


def element_string(pairs: Iterable[tuple[str, str]]) -> str:
    """The GS1 element string of AI pairs, `^` for FNC1 as the vectors write it."""
    lengths = numdb.get("gs1_ai")
    text, open_ended = "^", False
    for ai, value in pairs:
        text += ("^" if open_ended else "") + ai + value
        open_ended = bool(lengths.info(ai)[0][1].get("fnc1"))
    return text


def test_all_100_default_rows_of_the_gs1_syntax_engine_are_read_or_refused_as_there() -> None:
    defaults = [row for row in rows("gs1-dl-parse.jsonl") if not row["options"]]
    for row in defaults:
        try:
            link = parse_link(row["uri"])
        except Rejected:
            assert not row["should_parse"], row
            continue
        assert element_string(link.path + link.attributes) == row["element_string"], row
    assert len(defaults) == 100


def test_every_link_that_the_syntax_engine_makes_by_default_is_read_as_what_it_was_made_of() -> None:
    made = [row for row in rows("gs1-dl-generate.jsonl") if row["should_succeed"] and not row["options"]]
    for row in made:
        link = parse_link(row["expected"])
        assert set(link.path + link.attributes) == set(re.findall(r"\((\d+)\)([^(]+)", row["input"])), row
    assert len(made) == 15


def test_rows_with_letter_words_or_short_gtins_are_read_by_the_lenient_reader() -> None:
    wanted = {("convenience_alphas",), ("zero_suppressed_gtin",)}
    chosen = [row for row in rows("gs1-dl-parse.jsonl") if tuple(row["options"]) in wanted]
    read = [row for row in chosen if (find_key(row["uri"]) is not None) == row["should_parse"]]
    assert (len(read), len(chosen)) == (16, 16)


def test_all_rows_of_the_check_digit_linter_are_judged_as_there() -> None:
    for row in rows("gs1-lint-csum.jsonl"):
        data = row["data"]
        right = len(data) > 1 and is_digits(data) and gs1_check_digit(data[:-1]) == data[-1]
        assert right == row["valid"], row


def test_all_text_rows_of_the_reference_normaliser_have_its_canonical_form() -> None:
    texts = [row for row in rows("ralphtro-dl-normaliser.jsonl") if isinstance(row["input"], str)]
    for row in texts:
        key = gs1_key(row["input"])
        assert (None if key is None else key.uri) == row["expected"], row
    assert len(texts) == 70
