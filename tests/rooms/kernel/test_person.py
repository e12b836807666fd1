"""A person is one person however their name is typed; who can be taken for another one is told apart first."""

import pytest

from custody.kernel.person import fold_person, looks_like, mixes_scripts

ONE_PERSON = [
    ("John Smith", "JOHN  smith"),
    ("John Smith", "john.smith"),
    ("John Smith", "JohnSmith"),
    ("John Smith", "Smith, John"),
    ("José Núñez", "Jose Nunez"),
    ("Łukasz Ørsted", "Lukasz Orsted"),
    ("Anne-Marie O'Brien", "Anne Marie OBrien"),
    ("Anne-Marie O\u2019Brien", "anne\u2013marie o\u200bbrien"),
    ("John Smith", "\u0408\u043ehn \u0405m\u0456th"),
    ("Eve Cox", "\u0415v\u0435 \u0421\u043e\u0445"),
    ("Tom Kane", "\u03a4\u039f\u039c \u039a\u0391\u039d\u0395"),
    ("John Smith", "\uff2aohn \uff33mith"),
    ("John Smith", "\u1d0a\u1d0f\u029c\u0274 Smith"),
    ("Gina", "\u0261ina"),
    ("Weiß", "WEISS"),
]
ALIKE = [
    ("J. Smith", "John Smith"),
    ("Smith, J.", "John Smith"),
    ("J. P. Smith", "John Paul Smith"),
    ("Ian Lee", "Lan Lee"),
    ("clerk 1", "clerk l"),
    ("Bob Stone", "B0b Stone"),
    ("Karn Low", "Kam Low"),
]
APART = [
    ("John Smith", "Jane Smith"),
    ("J. Smith", "Mary Smith"),
    ("J. Smith", "John Paul Smith"),
    ("person-of-agent-1", "person-of-agent-2"),
    ("behind agent-1", "behind agent-11"),
    ("李 明", "李 民"),
    ("किरण", "कुरण"),
    ("Анна", "Инна"),
]


@pytest.mark.parametrize(("one", "other"), ONE_PERSON)
def test_names_that_differ_by_how_they_are_written_are_one_person(one: str, other: str) -> None:
    assert fold_person(one) == fold_person(other)
    assert not looks_like(one, other)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_can_be_taken_for_each_other_are_told_apart_first(one: str, other: str) -> None:
    assert fold_person(one) != fold_person(other)
    assert looks_like(one, other)
    assert looks_like(other, one)


@pytest.mark.parametrize(("one", "other"), APART)
def test_names_of_different_people_stay_apart(one: str, other: str) -> None:
    assert fold_person(one) != fold_person(other)
    assert not looks_like(one, other)


@pytest.mark.parametrize("person", ["J\u043ehn", "Anna \u039aox Ste\u03bde", "P\u0430ul Smith"])
def test_letters_of_scripts_that_look_alike_do_not_stand_in_one_word(person: str) -> None:
    assert mixes_scripts(person)


@pytest.mark.parametrize("person", ["John Smith", "Анна Smith", "山田 タロウ", "山田たろう", "O'Brien 2", "Ørsted"])
def test_names_of_one_script_a_word_are_names(person: str) -> None:
    assert not mixes_scripts(person)


@pytest.mark.parametrize("person", ["***", "\u2014"])
def test_what_has_no_letter_is_still_itself(person: str) -> None:
    assert fold_person(person) == person
