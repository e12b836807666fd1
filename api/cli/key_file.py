"""Private keys in files: how the keys of stations, verifiers and registrars are made and read."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.client import fail, show
from custody.kernel.base64url import b64
from custody.kernel.errors import Trouble
from custody.kernel.keys import EDDSA, ES256, SoftwareSigner, new_signer, read_private_pem
from custody.store.durable_file import create_file

Es256 = Annotated[bool, typer.Option(help="P-256 instead of Ed25519.")]


def make_key(path: Path, *, es256: bool, as_json: bool) -> None:
    """Make a key pair in a file and show its thumbprint."""
    signer = write_key(path, ES256 if es256 else EDDSA)
    show({"file": str(path), "kid": b64(signer.public.kid)}, as_json=as_json)


def write_key(path: Path, alg: int) -> SoftwareSigner:
    """A fresh key pair in a file that only its user can read; an existing file is never overwritten."""
    if path.exists():
        fail(f"{path} exists; a key is never overwritten", fix="Choose another name.")
    signer = new_signer(alg)
    create_file(path, signer.private_pem().encode(), mode=0o600)
    return signer


def read_key(path: Path) -> SoftwareSigner:
    """The private key in a PEM file, or a plain error."""
    try:
        return read_private_pem(path.read_text(errors="replace"))
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}", fix="Make a key with `weaklink station keygen`.")
    except Trouble as trouble:
        fail(f"{path}: {trouble.detail}", fix=trouble.fix)
