"""Our own terms inside an EPCIS event: the namespace `urn:weaklink:`, by convention prefix `wl`.

| term | value |
|---|---|
| wl:imei | list of IMEI URNs of one handset or several |
| wl:declaredMassGrams, wl:itemMassGrams | whole grams |
| wl:sealNumber, wl:sealKind | text; a seal number holds a letter, because the CBV event hash reads digits as a number |
| wl:sealState | intact, broken or missing |
| wl:handler | pseudonymous key such as `h-0123` |
| wl:entryMode | scanned or keyed |
| wl:photo, wl:prevScan, wl:witnessedCheckpoint, wl:upstreamStatement | digest, `ni:///sha-256;...` (RFC 6920) |
| wl:expected, wl:recipientCheck, wl:case | as the fact needs |

Our stations write them, so a known term with a value of the wrong form is refused. Unknown terms pass: a newer
station may know more than we do.
"""

from collections.abc import Callable, Mapping
from typing import Any

from custody.gs1.cbv import expand
from custody.gs1.context import OURS
from custody.gs1.imei import foreign_imei_urn
from custody.gs1.named_information import read_ni
from custody.kernel.errors import Rejected

SEAL_STATES = frozenset({"intact", "broken", "missing"})
ENTRY_MODES = frozenset({"scanned", "keyed"})
_TEXT_LIMIT = 200


def read_extensions(data: Mapping[str, Any], prefixes: Mapping[str, str]) -> dict[str, Any]:
    """Our terms of an event as `wl:term`, whatever prefix the document gave them; raises `Rejected("extension")`."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        term = _our_term(name, prefixes) if ":" in name else None
        if term is None:
            continue
        if term in found:
            raise _twice(term)
        check = CHECKS.get(term)
        renamed = _rename(value, prefixes)
        found[term] = renamed if check is None else check(term, renamed)
    return found


def _our_term(name: str, prefixes: Mapping[str, str]) -> str | None:
    full = expand(name, prefixes)
    return "wl:" + full.removeprefix(OURS) if full.startswith(OURS) else None


def _rename(value: Any, prefixes: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        renamed = {_our_term(name, prefixes) or name: _rename(item, prefixes) for name, item in value.items()}
        if len(renamed) != len(value):
            raise _twice("a term")
        return renamed
    if isinstance(value, list):
        return [_rename(item, prefixes) for item in value]
    return value


def _imeis(term: str, value: Any) -> list[str]:
    found = [foreign_imei_urn(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
    if not found or len(found) != len(value) or None in found:
        raise _bad(term, "a list of urn:gsma:imei URNs")
    return [urn for urn in found if urn is not None]


def _grams(term: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _bad(term, "a whole number of grams")
    return value


def _text(term: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_LIMIT or not value.isprintable():
        raise _bad(term, f"a printable text of 1 to {_TEXT_LIMIT} characters")
    return value


def _seal_number(term: str, value: Any) -> str:
    text = _text(term, value)
    if not any(letter.isalpha() for letter in text):
        raise _bad(term, "a text with a letter in it")
    return text


def _one_of(words: frozenset[str]) -> Callable[[str, Any], str]:
    def check(term: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise _bad(term, " or ".join(sorted(words)))
        return value

    return check


def _digest(term: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _bad(term, "a digest as ni:///sha-256;...")
    read_ni(value)
    return value


def _twice(term: str) -> Rejected:
    return Rejected("extension", f"{term} stands twice under two prefixes", fix="Write each term once.")


def _bad(term: str, form: str) -> Rejected:
    return Rejected("extension", f"{term} is not {form}", fix=f"Write {term} as {form}, or leave it out.")


CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "wl:imei": _imeis,
    "wl:declaredMassGrams": _grams,
    "wl:itemMassGrams": _grams,
    "wl:sealNumber": _seal_number,
    "wl:sealKind": _text,
    "wl:sealState": _one_of(SEAL_STATES),
    "wl:handler": _text,
    "wl:entryMode": _one_of(ENTRY_MODES),
    "wl:photo": _digest,
    "wl:prevScan": _digest,
    "wl:witnessedCheckpoint": _digest,
    "wl:upstreamStatement": _digest,
}
