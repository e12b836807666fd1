"""Documents come apart into exactly the bytes of their events."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.gs1.document import read_document
from custody.gs1.parse_event import parse_event
from custody.kernel.errors import Rejected

Make = Callable[..., dict[str, Any]]
CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"own": "https://own.example/"}]
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
HEAD = f'"@context": {json.dumps(CONTEXT)}, "schemaVersion": "2.0", "creationDate": "2026-05-11T08:00:00Z"'


def listed(events: tuple[str, ...]) -> str:
    """The object that holds the events as they are."""
    return '{"eventList": [' + ",".join(events) + "]}"


def capture(*events: str, head: str = HEAD) -> bytes:
    """A capture document around events as they are."""
    return ('{"type": "EPCISDocument", ' + head + ',\n "epcisBody": ' + listed(events) + "}").encode()


def answer(*events: str) -> bytes:
    """A query answer around events as they are."""
    body = '{"queryResults": {"queryName": "q", "resultsBody": ' + listed(events) + "}}"
    return ('{"epcisBody": ' + body + ', "type": "EPCISQueryDocument", ' + HEAD + "}").encode()


LAYOUTS = [
    json.dumps,
    lambda event: json.dumps(event, indent="\t"),
    lambda event: json.dumps(event, separators=(",", ":"), ensure_ascii=False),
    lambda event: "\n  " + json.dumps(event, separators=(" ,\n", " :\r\n\t")) + " ",
]


@given(st.lists(st.tuples(st.sampled_from(LAYOUTS), TEXTS, st.sampled_from(["own:x", "own:y"])), max_size=4))
@settings(deadline=None)
def test_every_event_comes_back_byte_for_byte(event: Make, parts: list[tuple[Any, str, str]]) -> None:
    texts = [layout(event(**{name: text})) for layout, text, name in parts]
    for document in (capture(*texts), answer(*texts), b"\xef\xbb\xbf" + capture(*texts)):
        assert read_document(document).events == tuple(text.strip().encode() for text in texts)


def test_a_bare_event_is_one_event_without_the_space_and_mark_around_it(event: Make) -> None:
    text = json.dumps(event())
    document = read_document(b"\xef\xbb\xbf \r\n" + text.encode() + b"\n")
    assert document.events == (text.encode(),)
    assert (document.type, document.prefixes) == ("ObjectEvent", None)


def test_a_documents_prefixes_hold_for_its_events(event: Make) -> None:
    inner = event(**{"own:x": 1})
    del inner["@context"]
    document = read_document(capture(json.dumps(inner)))
    assert parse_event(document.events[0], prefixes=document.prefixes).type == "ObjectEvent"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json"),
        (b"[]", "document"),
        (b"{}", "document"),
        (b'{"type": 5}', "document"),
        (b'{"type": "EPCISDocument"}', "schema"),
        (capture(head='"@context": [], "schemaVersion": "2.0", "creationDate": "2026-05-11T08:00:00Z"'), "context"),
        (capture(head=HEAD.replace('2.0"', '1.2"')), "schema"),
        (capture(head=HEAD.replace("T08", " 08")), "schema"),
        (capture(head=HEAD + ', "title": "x"'), "schema"),
        (capture(head=HEAD + ', "foo:x": "x"'), "prefix"),
        (capture(head=HEAD + ', "epcisBody": {"eventList": []}'), "json"),
        (capture("5"), "schema"),
        (capture().replace(b"eventList", b"eventLisk"), "schema"),
        (capture()[:-1], "json"),
        (capture() + b"x", "json"),
    ],
)
def test_what_is_no_document_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_document(raw)
    assert caught.value.code == code


def test_a_second_event_list_cannot_hide_events() -> None:
    two = b'{"eventList": [], "eventList": [{"type": "ObjectEvent"}]}'
    with pytest.raises(Rejected) as caught:
        read_document(capture().replace(b'{"eventList": []}', two))
    assert caught.value.code == "json"


def test_one_bad_event_does_not_hide_the_others(event: Make) -> None:
    good, twice = json.dumps(event()), json.dumps(event())[:-1] + ', "type": "ObjectEvent"}'
    events = read_document(capture(good, '{"type": "Nonsense"}', twice)).events
    assert events == (good.encode(), b'{"type": "Nonsense"}', twice.encode())
    assert parse_event(events[0]).type == "ObjectEvent"
    for bad in events[1:]:
        with pytest.raises(Rejected):
            parse_event(bad)


def test_a_document_over_the_limit_is_refused(event: Make) -> None:
    raw = capture(json.dumps(event()))
    assert read_document(raw, limit_bytes=len(raw)).events
    with pytest.raises(Rejected) as caught:
        read_document(raw, limit_bytes=len(raw) - 1)
    assert caught.value.code == "too_large"


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_mutated_document_is_rejected_or_its_events_are_pieces_of_it(event: Make, data: st.DataObject) -> None:
    raw = bytearray(capture(json.dumps(event()), "{}"))
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at : at + data.draw(st.integers(min_value=0, max_value=3))] = data.draw(st.binary(max_size=3))
    try:
        events = read_document(bytes(raw)).events
    except Rejected:
        return
    assert all(piece in raw and json.loads(piece) is not None for piece in events)
