"""Digests in RFC 6920 form have one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.named_information import read_ni, write_ni
from custody.kernel.errors import Rejected


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_comes_back(digest: bytes) -> None:
    assert read_ni(write_ni(digest)) == digest


@pytest.mark.parametrize("size", [0, 31, 33])
def test_only_32_bytes_are_a_digest(size: int) -> None:
    with pytest.raises(Rejected):
        write_ni(b"\0" * size)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "ni:///sha-256;",
        "ni:///sha-256;" + "A" * 42,
        "ni:///sha-256;" + "A" * 44,
        "ni:///sha-256;" + "A" * 42 + "B",
        "ni:///sha-256;" + "A" * 43 + "=",
        "ni:///sha-256;" + "+" * 43,
        "ni:///sha-512;" + "A" * 43,
        "ni:///sha-256;" + "0" * 64 + "?ver=CBV2.0",
        "A" * 43,
        "ni:///sha-256;" + "\u00e9" * 43,
    ],
)
def test_other_spellings_are_refused(uri: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_ni(uri)
    assert caught.value.code == "digest"


@given(st.text(max_size=60))
def test_any_text_is_a_digest_or_rejected(text: str) -> None:
    for uri in (text, "ni:///sha-256;" + text):
        try:
            digest = read_ni(uri)
        except Rejected:
            continue
        assert write_ni(digest) == uri
