"""Equipment status in the form of 3GPP TS 29.511 (N5g-eir_EquipmentIdentityCheck), as a pure function.

`GET /n5g-eir-eic/v1/equipment-status?pei=imei-490154203237518` answers `{"status": "BLACKLISTED"}`. The `pei` has one
of the forms of TS 29.571: `imei-` and 15 digits, `imeisv-` and 16, `mac-` or `eui-` and an address, or any other text
of at least one character: a kind that came with a later release. What begins as one of the four kinds and does not go
on as it must is wrong (TS 29.500 table 5.2.7.2-1). The first 14 digits are the identity. The 15th is no part of an IMEI
that is checked (TS 23.003 section 6.2.1): a handset sends 0 there, the check digit, or whatever else it likes. A
handset that is not on the list, or whose row has ended, is WHITELISTED: this list knows the handsets it blocks and no
others. Equipment that has no IMEI is unknown here.
"""

import re
from collections.abc import Mapping

from custody.gs1.check_digit import luhn_check_digit
from custody.kernel.errors import NotFound, Rejected
from devicelock.backends.eir_list import EirEntry, ImeiStatus

_PEI = re.compile(
    r"imei-(?P<imei>[0-9]{14})[0-9]|imeisv-(?P<imeisv>[0-9]{14})[0-9]{2}"
    r"|mac(?:-[0-9A-Fa-f]{2}){6}(?:-untrusted)?|eui(?:-[0-9A-Fa-f]{2}){8}|(?!(?:imei|imeisv|mac|eui)-).+",
    re.ASCII,
)


def read_pei(pei: str) -> str:
    """The 15 digits of the IMEI in a `pei`; raises `NotFound("equipment")` where it has none, `Rejected("pei")`."""
    match = _PEI.fullmatch(pei)
    if match is None:
        raise Rejected("pei", f"{pei[:40]!r} names no equipment", fix="Send imei- and 15 digits, or imeisv- and 16.")
    body = match["imei"] or match["imeisv"]
    if body is None:
        what = f"{pei[:40]!r} names no IMEI as imei- or imeisv-, and is on no list"
        raise NotFound("equipment", what, fix="Ask about a handset by its IMEI.")
    return body + luhn_check_digit(body)


def equipment_status(entries: Mapping[str, EirEntry], pei: str, *, now_s: int) -> ImeiStatus:
    """What the list says of the equipment now."""
    entry = entries.get(read_pei(pei))
    return entry.status if entry is not None and now_s < entry.valid_until_s else ImeiStatus.WHITELISTED
