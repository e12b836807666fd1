"""A station as somebody typed it, before it is announced: the same rules at the command line and in the service."""

from custody.gs1.canonical import strict_key
from custody.gs1.keys import KINDS, ROOT
from custody.kernel.errors import Rejected
from custody.ledger.policy import NAME
from custody.ledger.statements import StationInfo, Step


def read_info(*, station: str, site: str, place: str, step: str, custodian: str) -> StationInfo:
    """What somebody typed of a station, in its canonical spelling; raises `Rejected`."""
    if not NAME.fullmatch(station):
        raise Rejected("station", f"{station!r} is not a station name", fix="Use 1 to 64 letters, digits, . _ or -.")
    if step not in set(Step):
        raise Rejected("step", f"{step!r} is not a step", fix=f"Use one of {', '.join(Step)}.")
    return StationInfo(
        station=station,
        site=_key_of("site", site, ai="414"),
        place=place,
        step=Step(step),
        custodian=_key_of("custodian", custodian, ai="417"),
    )


def _key_of(what: str, uri: str, *, ai: str) -> str:
    """The canonical spelling of a key of that kind; raises `Rejected` under the name of what it is for."""
    fix = f"Send {ROOT}{ai}/<13 digits>."
    try:
        key = strict_key(uri)
    except Rejected as refusal:
        raise Rejected(what, f"the {what}: {refusal.detail}", fix=fix) from refusal
    if key.ai != ai:
        raise Rejected(what, f"the {what}: {key.uri} is no {KINDS[ai].name}", fix=fix)
    return key.uri
