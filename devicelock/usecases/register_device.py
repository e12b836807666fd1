"""Registering a handset: protected but inert. Nothing is sent to it, and nothing on it is restricted.

A handset that was retired may be registered once more, as it must be to serve another customer. Until it was sold again
it is the one that nobody may lock: a new name alone brings no right back.
"""

from dataclasses import dataclass

from custody.gs1.imei import imei_urn
from custody.kernel import cbor
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict
from custody.kernel.keys import read_cose_key
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.command import NONCE_BYTES, Op
from devicelock.rules.desired import Desired
from devicelock.rules.hello import SimClass
from devicelock.rules.unlock_code import derive_key
from devicelock.store import DeviceRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.retire import confirm_receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredHandset:
    """What the handset is given: its name, the epoch, and the key of its offline unlock codes."""

    device: str
    epoch: int
    code_key: bytes


def register_device(
    unit: Unit,
    office: LockOffice,
    *,
    imei: str,
    model: str,
    cose_key: bytes,
    sold_ms: Instant | None = None,
    received: bool = False,
) -> RegisteredHandset:
    """Register a handset under a pseudonym; raises `Rejected` for a wrong IMEI or key, `Conflict` if it stands.

    `sold_ms`: when it was sold last; None is not known. `received`: whoever bought it then has said that they have it.
    """
    urn = imei_urn(imei)
    key = read_cose_key(cbor.decode(cose_key))
    held = store.device_by_imei(unit.session, urn)
    if held is not None and not office.anchor.of(held.device).retired:
        raise Conflict("device", "a handset is registered under this IMEI", fix="Use it, or retire it first.")
    name = unit.ids.new("dev")
    row = DeviceRow(
        device=name,
        imei=urn,
        model=model,
        cose_key=cbor.encode(key.cose_key()),
        desired="",
        # No device holds this nonce: a lock signed before the first hello is refused by the device and signed anew.
        nonce=unit.ids.random_bytes(NONCE_BYTES),
        hello_ms=None,
        country=None,
        network=None,
        sim=SimClass.UNKNOWN,
        confirmed=False,
        left=False,
        registered_ms=unit.now_ms,
        registered_idx=unit.record("device.registered", {"device": name, "kid": key.kid, "imei": urn}),
    )
    store.set_desired(unit.session, row, Desired(device=name))
    if held is not None and not _was_sold_after(unit, held, sold_ms):
        confirm_receipt(unit, name=name, actor="system", how="retired_before")
    elif received:
        confirm_receipt(unit, name=name, actor="customer", how="received")
    return RegisteredHandset(device=name, epoch=office.anchor.of(name).epoch, code_key=derive_key(office.codes, name))


def _was_sold_after(unit: Unit, retired: DeviceRow, sold_ms: Instant | None) -> bool:
    """Whether a handset was sold after it was retired; one whose retirement a restore has forgotten was not."""
    signed = store.newest_command(unit.session, retired.device, Op.RETIRE)
    return signed is not None and sold_ms is not None and sold_ms > signed.issued_ms
