"""Equipment status in the form of 3GPP TS 29.511 (N5g-eir_EquipmentIdentityCheck), as a pure function.

`GET /n5g-eir-eic/v1/equipment-status?pei=imei-490154203237518` answers `{"status": "BLACKLISTED"}`. The `pei` has the
form of TS 29.571: `imei-` and 15 digits or `imeisv-` and 16. The first 14 digits are the identity; the 15th is the
check digit, or the 0 that a handset sends in its place (TS 23.003 section 6.2.1). A handset that is not on the list, or
whose row has ended, is WHITELISTED: this list knows the handsets it blocks and no others.
"""

import re
from collections.abc import Mapping

from custody.gs1.check_digit import luhn_check_digit
from custody.gs1.imei import imei_urn
from custody.kernel.errors import Rejected
from devicelock.backends.eir_list import EirEntry, ImeiStatus, read_imei

IMEI_DIGITS = 15
_PEI = re.compile(r"imei-(?P<imei>[0-9]{15})|imeisv-(?P<imeisv>[0-9]{16})", re.ASCII)


def read_pei(pei: str) -> str:
    """The 15 digits of the IMEI in a `pei`; raises `Rejected("pei")`."""
    match = _PEI.fullmatch(pei)
    digits = (match["imei"] or match["imeisv"]) if match else ""
    if len(digits) == IMEI_DIGITS and digits.endswith("0"):
        digits = digits[:-1] + luhn_check_digit(digits[:-1])
    try:
        imei_urn(digits)
    except Rejected as error:
        raise Rejected(
            "pei", f"{pei[:40]!r} names no IMEI", fix="Send imei- and 15 digits, or imeisv- and 16."
        ) from error
    return read_imei(digits)


def equipment_status(entries: Mapping[str, EirEntry], pei: str, *, now_s: int) -> ImeiStatus:
    """What the list says of the equipment now."""
    entry = entries.get(read_pei(pei))
    return entry.status if entry is not None and now_s < entry.valid_until_s else ImeiStatus.WHITELISTED
