"""`weaklink witness`: a small witness that a carrier or an ombudsman runs beside our log."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from api.addresses import check_address, http_address
from api.cli.folder import read_folder
from api.cli.listen import ctrl_c_waits, listen
from api.http.protocol import Protocol
from api.process.connections import Accepted, Server
from api.process.keyring import open_secret, open_signer
from api.routes.witness import witness_app
from custody.kernel.system_clock import SystemClock
from custody.ledger.cosignature import new_mldsa_signer, read_log_key
from custody.store.witness_folder import WitnessFolder
from custody.usecases.witness_log import Witness

PORT = 8421
POST_QUANTUM = "-pq"
"""What the second key of a witness adds to its name in a policy, where no two are called the same."""


def _public(text: str) -> str:
    """The address without a slash at its end; one that nobody could be told is refused before anything is made."""
    try:
        if text:
            check_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text.rstrip("/")


def witness(
    name: Annotated[str, typer.Option(help="Its name in cosignatures, an address without scheme.")],
    log: Annotated[list[str], typer.Option(help="The vkey of a log that it knows; may be given more than once.")],
    data: Annotated[
        Path,
        typer.Option(parser=read_folder, metavar="PATH", help="Folder for its keys and what it cosigned last."),
    ],
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one, another at every start.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    public_url: Annotated[
        str, typer.Option(help="Address that the log's service reaches it by, if another.", callback=_public)
    ] = "",
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="Cosign with ML-DSA-44 too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value at the start.")] = False,
) -> None:
    """Cosign the checkpoints of logs; runs until it is stopped, and is started again with the same command.

    Example: `weaklink witness --name carrier.example/w1 --log "$(cat log.vkey)" --data w1`.

    The log's key is printed by `weaklink log head --vkey`; make sure of it by another way, too. It prints the lines of
    a witness policy in which it alone is enough. Whoever runs the log puts them into a file, together with those of
    others, and starts the service with `weaklink serve --witness-policy FILE`.

    Keep the folder, and never restore an older copy of it: it is the witness's memory, and without it a log could show
    it two pasts. Lost, it is replaced by a witness with another name and another key. Its keys serve under the name
    that it was started with first, and under no other: one key under two names would be one machine that counts as two.
    """
    logs = [read_log_key(vkey.strip()) for vkey in log]
    with closing(listen(host, port)) as door, closing(WitnessFolder(data)) as folder:
        running = Witness(
            folder,
            name=name,
            signer=open_signer(data / "witness.pem"),
            logs=logs,
            clock=SystemClock(),
            mldsa=new_mldsa_signer(open_secret(data / "witness-mldsa.seed")) if ml_dsa else None,
        )
        address = public_url or http_address(host, door.getsockname()[1])
        vkeys = running.vkeys
        policy = _policy(name, log=[vkey.strip() for vkey in log], vkeys=vkeys, address=address)
        config = uvicorn.Config(witness_app(running), http=Protocol, log_level="warning", access_log=False)
        with ctrl_c_waits() as pressed:
            if as_json:
                print(json.dumps({"address": address, "vkeys": vkeys, "policy": policy}), flush=True)
            else:
                print(f"# The witness {name} is at {address}\n{policy}", end="", flush=True)
            Server(config, Accepted(door), told_to_stop=pressed).run()


def _policy(name: str, *, log: list[str], vkeys: list[str], address: str) -> str:
    """The lines of a policy in which this witness alone is enough."""
    lines = [f"log {vkey}" for vkey in log]
    lines += [f"witness {name}{POST_QUANTUM * number} {vkey} {address}" for number, vkey in enumerate(vkeys)]
    return "\n".join([*lines, f"quorum {name}", ""])
