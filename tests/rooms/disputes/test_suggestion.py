"""A kind of problem is suggested from the customer's words, by a short table, and decides nothing."""

import importlib
import inspect
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custody.disputes
from custody.disputes.claim import CLAIMS, ClaimType
from custody.disputes.suggestion import TELLING, suggest


def kinds(words: str) -> list[str]:
    return [str(each.kind) for each in suggest(words)]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("headphone jack quiet since new", "defective"),
        ("The headphone socket has been almost SILENT since new.", "defective"),
        ("It won\u2019t turn on", "defective"),
        ("My parcel never came.", "never_received"),
        ("There was a power bank in the box", "substituted"),
        ("The screen was cracked when I opened it", "damaged"),
        ("No charger in the box", "missing_accessory"),
        ("I sent it back in May", "returned_not_credited"),
        ("They took it to the wrong address", "misdelivered"),
        ("It is the wrong colour", "wrong_item"),
        ("It is still locked to the network", "leaver_locked"),
    ],
)
def test_the_words_of_a_customer_suggest_a_kind_and_name_what_suggests_it(words: str, kind: str) -> None:
    (found,) = suggest(words)
    assert found.kind == kind
    assert found.because in words.casefold().replace("\u2019", "'")


def test_words_that_tell_of_several_kinds_or_of_none_are_not_weighed() -> None:
    assert kinds("It never arrived, and then a cracked one came.") == ["never_received", "damaged"]
    assert kinds("It is not right.") == []
    assert kinds("") == []


def test_only_whole_words_count() -> None:
    assert kinds("The cat is quieter since Newcastle") == []
    assert kinds("It does\n not   work") == ["defective"]


def test_no_words_suggest_that_the_customer_did_it_or_holds_what_is_anothers() -> None:
    assert set(CLAIMS) - set(TELLING) == {ClaimType.CUSTOMER_DAMAGE, ClaimType.HOLDER_ENQUIRY}
    assert kinds("I dropped it and it fell into the bath") == []


@pytest.mark.parametrize("kind", TELLING)
def test_every_word_of_the_table_suggests_its_kind_and_no_other(kind: ClaimType) -> None:
    for phrase in TELLING[kind]:
        assert kinds(f"Hello, {phrase}!") == [kind], phrase


@given(st.text())
def test_any_text_is_read_and_the_same_text_says_the_same(words: str) -> None:
    assert suggest(words) == suggest(words)
    assert len(suggest(words)) <= len(TELLING)


def test_no_rule_takes_a_suggestion() -> None:
    takers = set()
    for module in pkgutil.iter_modules(custody.disputes.__path__):
        source = inspect.getsource(importlib.import_module(f"custody.disputes.{module.name}"))
        takers |= {module.name} if "uggest" in source else set()
    assert takers == {"suggestion"}
