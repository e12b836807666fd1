"""CBV words: closed lists, one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1 import cbv
from custody.gs1.context import BUILT_IN
from custody.kernel.errors import Rejected

LISTS = (
    cbv.BIZ_STEP,
    cbv.DISPOSITION,
    cbv.BIZ_TRANSACTION,
    cbv.SOURCE_DESTINATION,
    cbv.ERROR_REASON,
    cbv.COMPONENT,
    cbv.ALERT,
    cbv.MEASUREMENT,
)
WORDS = [(vocabulary, word) for vocabulary in LISTS for word in sorted(vocabulary.words)]


def test_the_lists_have_the_lengths_of_cbv_2_0() -> None:
    assert [len(vocabulary.words) for vocabulary in LISTS] == [41, 33, 13, 3, 2, 14, 2, 72]


@pytest.mark.parametrize(("vocabulary", "word"), WORDS)
def test_every_word_is_read_in_every_spelling(vocabulary: cbv.Vocabulary, word: str) -> None:
    full = vocabulary.web + word
    prefix = "cbv" if full.startswith(cbv.CBV_WEB) else "gs1"
    compact = f"{prefix}:" + full.removeprefix(BUILT_IN[prefix])
    for spelling in (word, full, compact):
        assert vocabulary.read(spelling, BUILT_IN) == word
    assert vocabulary.web_uri(word) == full


@pytest.mark.parametrize(
    "value",
    [
        "pakcing",
        "Shipping",
        "",
        "https://ref.gs1.org/cbv/BizStep-pakcing",
        "https://ref.gs1.org/cbv/Disp-in_transit",
        "cbv:BizStep-pakcing",
        "urn:epcglobal:cbv:bizstep:shipping",
        "https://ns.gs1.org/cbv/BizStep-shipping",
        "https://gs1.org/voc/shipping",
    ],
)
def test_unknown_words_in_gs1s_name_are_refused(value: str) -> None:
    with pytest.raises(Rejected) as caught:
        cbv.BIZ_STEP.read(value, BUILT_IN)
    assert caught.value.code == "vocabulary"


@pytest.mark.parametrize("value", [cbv.SORTING, cbv.REMOTE_LOCKING, cbv.REMOTE_UNLOCKING])
def test_our_own_words_are_uris_and_kept(value: str) -> None:
    assert cbv.BIZ_STEP.read(value, BUILT_IN) == value
    prefixes = {**BUILT_IN, "wl": "urn:weaklink:"}
    assert cbv.BIZ_STEP.read("wl:" + value.removeprefix("urn:weaklink:"), prefixes) == value


def test_a_prefix_cannot_smuggle_in_a_word_that_gs1_does_not_have() -> None:
    with pytest.raises(Rejected):
        cbv.BIZ_STEP.read("x:pakcing", {"x": "https://ref.gs1.org/cbv/BizStep-"})
    assert cbv.BIZ_STEP.read("x:packing", {"x": "https://ref.gs1.org/cbv/BizStep-"}) == "packing"


@given(st.text(max_size=30))
def test_any_text_is_a_word_a_uri_or_rejected(value: str) -> None:
    try:
        word = cbv.DISPOSITION.read(value, BUILT_IN)
    except Rejected:
        return
    assert word in cbv.DISPOSITION.words or ":" in word
