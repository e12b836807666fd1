"""`weaklink witness`: a small witness that a carrier or an ombudsman runs beside our log."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from api.compose import free_port
from api.keyring import open_secret, open_signer
from api.routes.witness import witness_app
from custody.kernel.system_clock import SystemClock
from custody.ledger.cosignature import new_mldsa_signer, read_log_key
from custody.store.witness_folder import WitnessFolder
from custody.usecases.witness_log import Witness


def witness(
    name: Annotated[str, typer.Option(help="Its name in cosignatures, an address without scheme.")],
    log: Annotated[list[str], typer.Option(help="The vkey of a log that it knows; may be given more than once.")],
    data: Annotated[Path, typer.Option(help="Folder for its keys and what it cosigned last.")],
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="Cosign with ML-DSA-44 too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value at the start.")] = False,
) -> None:
    """Cosign the checkpoints of logs. Example: `weaklink witness --name carrier.example/w1 --log VKEY --data w1`.

    Put the printed line into the log's witness policy, and keep the folder: it is the witness's memory.
    """
    logs = [read_log_key(vkey) for vkey in log]
    with closing(WitnessFolder(data)) as folder:
        running = Witness(
            folder,
            name=name,
            signer=open_signer(data / "witness.pem"),
            logs=logs,
            clock=SystemClock(),
            mldsa=new_mldsa_signer(open_secret(data / "witness-mldsa.seed")) if ml_dsa else None,
        )
        port = port or free_port()
        address = f"http://{host}:{port}"
        vkeys = running.vkeys
        if as_json:
            print(json.dumps({"address": address, "vkeys": vkeys}), flush=True)
        else:
            print(f"The witness {name} is at {address}", flush=True)
            for vkey in vkeys:
                print(f"witness {name} {vkey} {address}", flush=True)
        uvicorn.run(witness_app(running), host=host, port=port, log_level="warning", access_log=False)
