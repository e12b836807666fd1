"""The spellings that the log's text formats share: decimals and base64, read strictly.

A number must print back as itself, so `007`, `+7`, ` 7` and digits of other scripts are refused; it is at most
2**63 - 1. Base64 is the standard alphabet with padding (RFC 4648 section 4) and must encode back to the same
letters, which refuses stray bits in the last letter.
"""

import base64
import re

from custody.kernel.errors import Rejected

MAX_NUMBER = 2**63 - 1

_NOT_PLAIN = re.compile(r"[\x00-\x1f\ud800-\udfff]")


def read_decimal(text: str, *, code: str, what: str) -> int:
    """The number in `text`; raises `Rejected(code)`."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_NUMBER)) or str(int(text)) != text:
        raise Rejected(code, f"{what} is not a plain decimal number", fix="Write it without sign, spaces or zeros.")
    if int(text) > MAX_NUMBER:
        raise Rejected(code, f"{what} is larger than 2**63 - 1", fix="Send the number of the real tree.")
    return int(text)


def read_base64(text: str, *, code: str, what: str, length: int | None = None) -> bytes:
    """The bytes in `text`, `length` of them if given; raises `Rejected(code)`."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Rejected(code, f"{what} is not base64", fix="Use RFC 4648 section 4, with padding.") from error
    if write_base64(raw) != text:
        raise Rejected(code, f"{what} is base64 in an unusual spelling", fix="Use RFC 4648 section 4, zero pad bits.")
    if length is not None and len(raw) != length:
        raise Rejected(code, f"{what} holds {len(raw)} bytes, not {length}", fix="Send the whole value.")
    return raw


def write_base64(raw: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode("ascii")


def is_plain(text: str) -> bool:
    """Whether text can be written as UTF-8 on one line: no control characters below U+0020, no lone surrogates."""
    return _NOT_PLAIN.search(text) is None


def read_text(raw: bytes, *, code: str, what: str) -> str:
    """UTF-8 text without control characters below U+0020 other than newline; raises `Rejected(code)`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(code, f"{what} is not UTF-8", fix="Send the text as UTF-8.") from error
    if not is_plain(text.replace("\n", "")):
        raise Rejected(code, f"{what} holds a control character", fix="Use newlines only.")
    return text
