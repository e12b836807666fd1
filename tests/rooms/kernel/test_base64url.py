"""Bytes as text: each value has one spelling, in every room and at every door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.base64url import b64, unb64
from custody.kernel.errors import Rejected


@given(raw=st.binary(max_size=100))
def test_bytes_are_read_back_from_letters_that_no_address_has_to_escape(raw: bytes) -> None:
    text = b64(raw)
    assert not set(text) & set("+/= \n")
    assert unb64(text, where="a text") == raw


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Zg==", "padded or not canonical"),
        ("Zh", "padded or not canonical"),
        ("+w", "padded or not canonical"),
        ("_/8", "padded or not canonical"),
        ("Zg\n", "not base64url"),
        (" Zg", "not base64url"),
        ("Z", "not base64url"),
        ("Zé", "not base64url"),
    ],
)
def test_another_spelling_is_refused(text: str, why: str) -> None:
    with pytest.raises(Rejected) as caught:
        unb64(text, where="the key")
    assert (caught.value.code, caught.value.detail) == ("base64", f"the key is {why}")
