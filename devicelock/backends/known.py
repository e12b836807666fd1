"""The lock systems beside our own agent: their names, what each can keep, and how each names a handset.

| back-end | a handset is named by |
|---|---|
| android | `enterprises/{enterprise}/devices/{device}` (Android Management API) |
| eir | its IMEI: the 15 digits of the device itself |
| knox | its IMEI or serial number (`deviceUid`) |
| nanomdm | its enrolment id |
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from custody.kernel.errors import Conflict, Rejected
from devicelock.backends import android, android_body, eir, knox, nanomdm
from devicelock.backends.contract import Capabilities
from devicelock.backends.eir_list import read_imei

CAPABILITIES: Mapping[str, Capabilities] = MappingProxyType(
    {
        android.NAME: android.CAPABILITIES[android.LockWay.DISABLED],
        eir.NAME: eir.CAPABILITIES,
        knox.NAME: knox.CAPABILITIES,
        nanomdm.NAME: nanomdm.CAPABILITIES,
    }
)
"""What each can keep, in the way it is used unless a setting says otherwise."""

_FORMS = {
    android.NAME: (android_body.NAME, "enterprises/{enterprise}/devices/{device}"),
    knox.NAME: (re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII), "the IMEI or the serial number"),
    nanomdm.NAME: (nanomdm.ENROLMENT, "the enrolment id"),
}


def read_reference(backend: str, text: str, *, imei: str) -> str:
    """A handset's name at a back-end, in its own form; `imei` is the device's own.

    Raises `Rejected` for a back-end that there is not, or a name that cannot be one, and `Conflict("imei")` where the
    name is an IMEI and that of another handset.
    """
    if backend not in CAPABILITIES:
        known = ", ".join(sorted(CAPABILITIES))
        raise Rejected("backend", f"there is no back-end {backend[:40]!r}", fix=f"Name one of {known}.")
    if backend == eir.NAME:
        if read_imei(text) != read_imei(imei):
            raise Conflict(
                "imei", "the list knows a handset by its own IMEI, and this is another", fix="Give the device's IMEI."
            )
        return read_imei(text)
    form, words = _FORMS[backend]
    if not form.fullmatch(text):
        raise Rejected("reference", f"{text[:80]!r} names no handset at {backend}", fix=f"Give {words}.")
    if backend == knox.NAME and knox.IMEI.fullmatch(text) and read_imei(text) != read_imei(imei):
        raise Conflict(
            "imei", "this is the IMEI of another handset", fix="Give the device's IMEI or its serial number."
        )
    return text
