"""The lock systems beside our own agent, put together from the settings; all of them are off by default.

Secrets come from the settings and from files that they name, and are never logged. What is switched on and cannot work
is refused at the start, with the setting that is missing.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from api.process.keyring import open_signer
from api.settings import Settings
from custody.kernel.errors import Fatal, Unavailable
from devicelock.backends import android, eir, knox, nanomdm
from devicelock.backends.contract import Backend, Capabilities
from devicelock.backends.eir import EirBackend
from devicelock.backends.eir_folder import EirFolder
from devicelock.backends.eir_list import Publication
from devicelock.backends.google_token import ServiceAccount
from devicelock.backends.http_line import HttpLine
from devicelock.backends.nanomdm import NanoMdmBackend
from devicelock.usecases.list_ground import ground_of
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.wish_book import TableBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The back-ends that are on, and the lines to close at the end."""

    on: Mapping[str, Backend]
    lines: tuple[HttpLine, ...]

    @property
    def eir(self) -> EirBackend | None:
        """The IMEI list, if it is on."""
        found = self.on.get(eir.NAME)
        return found if isinstance(found, EirBackend) else None

    @property
    def nanomdm(self) -> NanoMdmBackend | None:
        """NanoMDM, if it is on."""
        found = self.on.get(nanomdm.NAME)
        return found if isinstance(found, NanoMdmBackend) else None

    def close(self) -> None:
        """Close every line."""
        for line in self.lines:
            line.close()


def capabilities(settings: Settings) -> dict[str, Capabilities]:
    """What the back-ends that are on can keep."""
    return {
        name: can
        for name, switch, can in (
            (android.NAME, settings.android_key, android.CAPABILITIES[settings.android_way]),
            (eir.NAME, settings.eir_folder, eir.CAPABILITIES),
            (knox.NAME, settings.knox_address, knox.CAPABILITIES),
            (nanomdm.NAME, settings.nanomdm_address, nanomdm.CAPABILITIES),
        )
        if switch
    }


def open_backends(settings: Settings, office: LockOffice) -> Backends:
    """The back-ends that are on; raises `Fatal("settings")` for one that is not wholly set."""
    lines: list[HttpLine] = []

    def connect(address: str) -> HttpLine:
        lines.append(HttpLine(address))
        return lines[-1]

    makers: dict[str, Callable[[], Backend]] = {
        android.NAME: partial(_android, settings, office, connect),
        eir.NAME: partial(_eir, settings, office),
        knox.NAME: partial(_knox, settings, office, connect),
        nanomdm.NAME: partial(_nanomdm, settings, office, connect),
    }
    return Backends(on={name: makers[name]() for name in office.backends}, lines=tuple(lines))


def _android(settings: Settings, office: LockOffice, connect: Callable[[str], HttpLine]) -> Backend:
    account = ServiceAccount(_file(settings.android_key, "android_key"), connect, clock=office.house.clock)
    return android.android_backend(
        connect(settings.android_address),
        account,
        book=TableBook(office.house, android.NAME),
        clock=office.house.clock,
        way=settings.android_way,
    )


def _nanomdm(settings: Settings, office: LockOffice, connect: Callable[[str], HttpLine]) -> Backend:
    return NanoMdmBackend(
        connect(settings.nanomdm_address),
        api_key=_secret(settings.nanomdm_api_key, "nanomdm_api_key"),
        webhook_key=_secret(settings.nanomdm_webhook_key, "nanomdm_webhook_key").encode(),
        book=TableBook(office.house, nanomdm.NAME),
        clock=office.house.clock,
        profile=settings.nanomdm_profile or None,
        push=settings.nanomdm_push,
    )


def _knox(settings: Settings, office: LockOffice, connect: Callable[[str], HttpLine]) -> Backend:
    try:
        key = load_pem_private_key(_file(settings.knox_key, "knox_key"), password=None)
    except ValueError as error:
        raise _unset("knox_key", f"it is no private key: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unset("knox_key", "it is no RSA key")
    return knox.knox_backend(
        connect(settings.knox_address),
        access_token=_secret(settings.knox_access_token, "knox_access_token"),
        key=key,
        book=TableBook(office.house, knox.NAME),
        clock=office.house.clock,
    )


def _eir(settings: Settings, office: LockOffice) -> Backend:
    _secret(settings.eir_token, "eir_token")
    signer = open_signer(settings.data / "keys" / "eir.pem")
    return EirBackend(
        book=TableBook(office.house, eir.NAME),
        clock=office.house.clock,
        folder=EirFolder(settings.eir_folder or settings.data / "eir", signer.public),
        signer=signer,
        issuer=office.issuer,
        grounds=partial(ground_of, office),
        outlet=partial(copy_to, settings.eir_outlet),
    )


def copy_to(folder: Path | None, publication: Publication) -> None:
    """Hand a file over by copying it and then its signature into a folder; raises `Unavailable` if that fails."""
    if folder is None:
        return
    try:
        for name, raw in ((publication.name, publication.raw), (f"{publication.name}.cose", publication.signature)):
            fresh = folder / f".{name}.part"
            fresh.write_bytes(raw)
            shutil.move(fresh, folder / name)
    except OSError as error:
        raise Unavailable(
            "eir_outlet", f"the list cannot be copied to {folder}: {error.strerror}", fix="Mount the folder again."
        ) from error


def _secret(value: SecretStr, name: str) -> str:
    if not value.get_secret_value():
        raise _unset(name, "it is empty")
    return value.get_secret_value()


def _file(path: Path | None, name: str) -> bytes:
    if path is None:
        raise _unset(name, "it is not given")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unset(name, f"{path} cannot be read: {error.strerror}") from error


def _unset(name: str, why: str) -> Fatal:
    variable = f"WEAKLINK_{name.upper()}"
    return Fatal("settings", f"{variable}: {why}", fix=f"Set {variable}, or switch the back-end off.")
