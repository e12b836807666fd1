"""A person is one person however their name is typed; who can be taken for another one is told apart first."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.person import fold_person, has_rare_letters, looks_like, mixes_scripts

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
    ("Sean O'Brien", "Sean O\u02bcBrien"),
    ("Sean O'Brien", "Sean O\uff07Brien"),
    ("John Smith", "Jo\u0483hn Sm\u05b4ith"),
    ("John Smith", "John \ua785mith"),
]
UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200d\u2060\u2065\u3164\ufe00\ufe0e\ufe0f"
    "\uffa0\ufff0\U000e0001\U000e0100\U000e01ef"
)
"""Code points that nobody sees (Default_Ignorable_Code_Point of Unicode)."""
ALIKE = [
    ("J. Smith", "John Smith"),
    ("Smith, J.", "John Smith"),
    ("J. P. Smith", "John Paul Smith"),
    ("Ian Lee", "Lan Lee"),
    ("clerk 1", "clerk l"),
    ("Bob Stone", "B0b Stone"),
    ("Karn Low", "Kam Low"),
    ("John Smith", "Smith John"),
    ("Anna Maria Rossi", "Rossi Anna Maria"),
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


@given(st.sampled_from([one for one, _ in ONE_PERSON + APART]), st.sampled_from(UNSEEN), st.data())
def test_what_nobody_sees_makes_no_second_person(person: str, unseen: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(person)))
    assert fold_person(person[:at] + unseen + person[at:]) == fold_person(person)


@given(st.characters(categories=["Mn", "Me", "Mc"]), st.integers(1, 9))
def test_no_mark_on_a_latin_letter_makes_a_second_person(mark: str, at: int) -> None:
    assert fold_person("John Smith"[:at] + mark + "John Smith"[at:]) == fold_person("John Smith")


@pytest.mark.parametrize(
    "person", ["\ua4d9\ua4f3\ua4e7\ua4e0 \ua4e2\ua4df\ua4f2\ua4d4\ua4e7", "\u13ab\u13ac", "\u2c93\u2c9f", "\u01c0an"]
)
def test_letters_that_hardly_anybody_writes_a_name_in_are_told(person: str) -> None:
    assert has_rare_letters(person)


@pytest.mark.parametrize(
    "person",
    [
        *(one for one, _ in ONE_PERSON + APART + ALIKE),
        "山田 タロウ ー 々",
        "ნინო",
        "עדה לב",
        "نور",
        "ภาพ",
        "김 민",
        "Ἀλέξης",
        "Nguyễn",
        "\u02bbAulani",
    ],
)
def test_names_in_scripts_of_every_day_have_no_rare_letters(person: str) -> None:
    assert not has_rare_letters(person)
    assert not has_rare_letters(unicodedata.normalize("NFD", person))
