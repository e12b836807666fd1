"""Our schema: one list of words, and the structure EPCIS 2.0 asks for."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from custody.gs1 import cbv, schema
from custody.gs1.context import OWN_WORDS
from custody.kernel.errors import Rejected

SCHEMA = json.loads(resources.files("custody.gs1").joinpath("event-schema.json").read_text())
Make = Callable[..., dict[str, Any]]
PLACE = {"id": "https://id.gs1.org/414/9521473000102"}
ITEM = {"epcClass": "https://id.gs1.org/01/09521886007194", "quantity": 2}


@pytest.mark.parametrize(
    ("name", "vocabulary"),
    [
        ("bizStep", cbv.BIZ_STEP),
        ("disposition", cbv.DISPOSITION),
        ("bizTransactionType", cbv.BIZ_TRANSACTION),
        ("sourceDestinationType", cbv.SOURCE_DESTINATION),
        ("errorReason", cbv.ERROR_REASON),
        ("component", cbv.COMPONENT),
        ("alert", cbv.ALERT),
        ("measurement", cbv.MEASUREMENT),
    ],
)
def test_the_schema_and_the_code_hold_the_same_words(name: str, vocabulary: cbv.Vocabulary) -> None:
    assert frozenset(SCHEMA["$defs"][name]["anyOf"][0]["enum"]) == vocabulary.words


def test_every_field_of_the_schema_is_protected_from_redefinition_in_a_context() -> None:
    events = [definition for name, definition in SCHEMA["$defs"].items() if name.endswith("Event")]
    fields = {field for definition in events for field in definition["properties"]} - {"@context"}
    assert fields <= OWN_WORDS


def accepts(event: Any) -> bool:
    """Whether the schema takes it."""
    try:
        schema.validate(event)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, True),
        ({"bizStep": "urn:weaklink:BizStep-sorting"}, True),
        ({"bizStep": "cbv:BizStep-shipping"}, True),
        ({"own:field": {"any": ["thing", 1, None]}}, True),
        ({"https://ns.example.com/field": 1}, True),
        ({"readPoint": {**PLACE, "own:bench": "7"}}, True),
        ({"certificationInfo": ["https://example.com/a", "https://example.com/b"]}, True),
        ({"persistentDisposition": {"set": ["stolen"]}}, True),
        ({"recordTime": "2026-05-11T08:14:00Z"}, True),
        ({"quantityList": [ITEM]}, True),
        ({"eventTime": "11.05.2026"}, False),
        ({"eventTime": "2026-05-11T08:14:00"}, False),
        ({"eventTime": 0}, False),
        ({"eventTimeZoneOffset": "Z"}, False),
        ({"eventTimeZoneOffset": "+14:30"}, False),
        ({"eventTimeZoneOffset": "+1:00"}, False),
        ({"action": "MOVE"}, False),
        ({"action": None}, False),
        ({"bizStep": "pakcing"}, False),
        ({"bizStep": "urn:epcglobal:cbv:bizstep:shipping"}, False),
        ({"disposition": ["in_transit"]}, False),
        ({"epcList": "https://id.gs1.org/00/195214730000088169"}, False),
        ({"epcList": ["not a uri"]}, False),
        ({"epcList": ["urn:a:b", "urn:a:b"]}, False),
        ({"epcList": [f"urn:a:{'b' * 2048}"]}, False),
        ({"field": 1}, False),
        ({"parentID": "urn:a:b"}, False),
        ({":x": 1}, False),
        ({"x:": 1}, False),
        ({"@id": "urn:a:b"}, False),
        ({"readPoint": "urn:a:b"}, False),
        ({"readPoint": {"id": "urn:a:b", "name": "x"}}, False),
        ({"quantityList": [{**ITEM, "own:x": 1}]}, False),
        ({"quantityList": [{**ITEM, "uom": "kg"}]}, False),
        ({"quantityList": [{**ITEM, "quantity": "2"}]}, False),
        ({"bizTransactionList": [{"type": "po"}]}, False),
        ({"sourceList": [{"source": "urn:a:b"}]}, False),
        ({"destinationList": [{"type": "recipient", "destination": "urn:a:b"}]}, False),
        ({"persistentDisposition": "stolen"}, False),
        ({"persistentDisposition": {}}, False),
        ({"persistentDisposition": {"set": []}}, False),
        ({"errorDeclaration": {"reason": "incorrect_data"}}, False),
        ({"errorDeclaration": {"declarationTime": "2026-05-11T08:14:00Z", "reason": "oops"}}, False),
        ({"ilmd": {"own:lot": "7"}}, False),
        ({"action": "ADD", "ilmd": {"own:lot": "7"}}, True),
        ({"action": "ADD", "ilmd": {"lot": "7"}}, False),
        ({"type": "own:Event"}, True),
        ({"type": "Event"}, False),
        ({"sensorElementList": [{"sensorReport": []}]}, False),
        ({"sensorElementList": [{"sensorReport": [{"value": 1}]}]}, False),
        ({"sensorElementList": [{"sensorReport": [{"type": "Weight", "value": 1}]}]}, False),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": "1"}]}]}, False),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "weight": 1}]}]}, False),
        ({"sensorElementList": [{"sensorReport": [{"type": "Mass", "hexBinaryValue": "xyz"}]}]}, False),
    ],
)
def test_an_object_event_has_the_fields_of_epcis_in_their_form(
    event: Make, changes: dict[str, Any], *, taken: bool
) -> None:
    assert accepts(event(**changes)) is taken


@pytest.mark.parametrize("field", ["type", "eventTime", "eventTimeZoneOffset", "action"])
def test_required_fields_are_required(event: Make, field: str) -> None:
    whole = event()
    del whole[field]
    assert not accepts(whole)


def bare(kind: str, **fields: Any) -> dict[str, Any]:
    """An event of any type with nothing but what is given."""
    return {"type": kind, "eventTime": "2026-05-11T08:14:00Z", "eventTimeZoneOffset": "+00:00", **fields}


SENSORS = [{"sensorReport": [{"type": "Temperature", "value": 3.5, "uom": "CEL"}]}]
ORDER = [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:1"}]
ONE = ["urn:a:b"]


@pytest.mark.parametrize(
    ("event", "taken"),
    [
        (bare("ObjectEvent", action="OBSERVE"), False),
        (bare("ObjectEvent", action="OBSERVE", epcList=[]), False),
        (bare("ObjectEvent", action="OBSERVE", epcList=[], quantityList=[ITEM]), True),
        (bare("ObjectEvent", action="OBSERVE", epcList=[], readPoint=PLACE, sensorElementList=SENSORS), True),
        (bare("ObjectEvent", action="OBSERVE", sensorElementList=SENSORS), False),
        (bare("AggregationEvent", action="ADD", parentID="urn:p:1", childEPCs=ONE), True),
        (bare("AggregationEvent", action="ADD", childEPCs=ONE), False),
        (bare("AggregationEvent", action="DELETE", childEPCs=ONE), False),
        (bare("AggregationEvent", action="OBSERVE", childEPCs=ONE), True),
        (bare("AggregationEvent", action="DELETE", parentID="urn:p:1"), True),
        (bare("AggregationEvent", action="ADD", parentID="urn:p:1"), False),
        (bare("AggregationEvent", action="ADD", parentID="urn:p:1", childEPCs=[]), False),
        (bare("AggregationEvent", action="ADD", parentID="urn:p:1", childQuantityList=[ITEM]), True),
        (bare("AssociationEvent", action="ADD", parentID="urn:p:1", childEPCs=ONE), True),
        (bare("AssociationEvent", action="OBSERVE", childEPCs=ONE), False),
        (bare("AssociationEvent", action="DELETE", parentID="urn:p:1"), True),
        (bare("TransactionEvent", action="ADD", bizTransactionList=ORDER, epcList=ONE), True),
        (bare("TransactionEvent", action="ADD", bizTransactionList=ORDER), False),
        (bare("TransactionEvent", action="ADD", bizTransactionList=ORDER, epcList=[]), False),
        (bare("TransactionEvent", action="DELETE", bizTransactionList=ORDER), True),
        (bare("TransactionEvent", action="ADD", bizTransactionList=[], epcList=ONE), False),
        (bare("TransformationEvent", inputEPCList=ONE, outputEPCList=ONE), True),
        (bare("TransformationEvent", inputEPCList=ONE), False),
        (bare("TransformationEvent", inputEPCList=ONE, transformationID="urn:t:1"), True),
        (bare("TransformationEvent", transformationID="urn:t:1"), False),
        (bare("TransformationEvent", inputQuantityList=[ITEM], outputEPCList=ONE, action="ADD"), False),
        (bare("own:SpecialEvent", **{"own:x": 1}), True),
        (bare("own:SpecialEvent", epcList=ONE, bizStep="inspecting", readPoint=PLACE), True),
        (bare("own:SpecialEvent", parentID="urn:p:1", childEPCs=ONE, action="ADD", bizTransactionList=ORDER), True),
        (bare("own:SpecialEvent", inputEPCList=ONE, outputQuantityList=[ITEM], ilmd={"own:x": 1}), True),
        (bare("own:SpecialEvent", bizStep="pakcing"), False),
        (bare("own:SpecialEvent", bizstep="packing"), False),
        (bare("own:SpecialEvent", epcList=["no uri"]), False),
        ([], False),
        (None, False),
        ("ObjectEvent", False),
    ],
)
def test_each_event_type_is_about_something(event: Any, *, taken: bool) -> None:
    assert accepts(event) is taken


def test_the_refusal_names_the_place(event: Make) -> None:
    bad = event(sensorElementList=[{"sensorReport": [{"type": "Mass", "value": 1}, {"type": "Mass", "value": "1"}]}])
    with pytest.raises(Rejected) as caught:
        schema.validate(bad)
    assert caught.value.facts["pointer"] == "/sensorElementList/0/sensorReport/1/value"


@pytest.mark.parametrize(("items", "pointer"), [(1, "/epcList/0"), (5_000, "/action")])
def test_the_deepest_mistake_is_told_and_of_a_long_event_the_first_for_there_may_be_one_in_every_item(
    event: Make, items: int, pointer: str
) -> None:
    with pytest.raises(Rejected) as caught:
        schema.validate(event(action="MOVE", epcList=[1] * items))
    assert caught.value.facts["pointer"] == pointer
