"""The service's own keys, in PEM files that only its user can read.

Each key has one purpose, so that stealing one does not give another: `log` signs checkpoints and receipts, `operator`
signs policies and records, `registrar` enrols stations, `lock` signs LOCK commands, `unlock` signs UNLOCK and RETIRE
commands, `codes` derives the offline unlock codes of handsets, `browsers` marks those in which somebody has signed in
(`people/known_browser.py`), `referrals` signs what goes with a customer to another desk (`referral_token.py`). `eir`
signs the IMEI list, where that is switched on.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from custody.kernel.errors import Fatal
from custody.kernel.keys import SoftwareSigner, new_signer, read_private_pem
from custody.store.durable_file import write_out

PURPOSES = ("log", "operator", "registrar", "lock", "unlock")
CODES = "codes.key"
SECRET_BYTES, MARK_BYTES = 32, 8
MARK_INFO = b"weaklink mark of the secret of unlock codes v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """One signer for each purpose, and the secrets of unlock codes, of the marks of browsers and of referrals."""

    log: SoftwareSigner
    operator: SoftwareSigner
    registrar: SoftwareSigner
    lock: SoftwareSigner
    unlock: SoftwareSigner
    codes: bytes
    browsers: bytes
    referrals: bytes


def open_keyring(folder: Path) -> Keyring:
    """The keys in `folder`; those that are missing are made there. Raises `Fatal` if others can read them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signers = {purpose: open_signer(folder / f"{purpose}.pem") for purpose in PURPOSES}
    codes, browsers, referrals = (open_secret(folder / name) for name in (CODES, "browsers.key", "referrals.key"))
    return Keyring(**signers, codes=codes, browsers=browsers, referrals=referrals)


def open_signer(path: Path) -> SoftwareSigner:
    """The key pair in a PEM file, made there if it is missing; raises `Fatal` if others can read it."""
    if not path.exists():
        _write(path, new_signer().private_pem().encode())
    return read_private_pem(_read(path).decode())


def open_secret(path: Path) -> bytes:
    """The 32 secret bytes of a file, made if it is missing; raises `Fatal` if others can read it or it was cut off."""
    if not path.exists():
        _write(path, os.urandom(SECRET_BYTES))
    secret = _read(path)
    if len(secret) != SECRET_BYTES:
        raise Fatal(
            "keys",
            f"{path} holds {len(secret)} bytes, and the secret that was in it has {SECRET_BYTES}",
            fix="Put that file back as it was, from your copy of it.",
        )
    return secret


def mark_of(codes: bytes) -> bytes:
    """What the log may hold of the secret of unlock codes: it tells another one apart, and nothing else of it."""
    return HKDF(SHA256(), length=MARK_BYTES, salt=None, info=MARK_INFO).derive(codes)


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise Fatal("key_file", f"{path} can be read by others", fix=f"Run chmod 600 {path}.")
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    """Whole and durable, or not at all: another process starting at the same time sees no half key."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.unlink(missing_ok=True)  # of a process that had our number, and was killed
    try:
        write_out(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), content, path=path)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
