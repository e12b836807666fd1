"""The address that a server of ours listens on, taken before it says that it is there, and Ctrl-C from then on.

Ctrl-C after the address was told, and before the web server minds it, waits until the server is there and ends it then.
"""

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from custody.kernel.errors import Unavailable


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Take the address, for several processes if it is `shared`; raises `Unavailable("address")`."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        door.bind((host, port))
    except (OSError, OverflowError) as error:
        door.close()
        refused = error.errno if isinstance(error, OSError) else errno.EADDRINUSE
        option = "--port" if refused in {errno.EADDRINUSE, errno.EACCES} else "--host"
        why = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
        raise Unavailable(
            "address", f"it cannot listen on {host}:{port}: {why}", fix=f"Choose another {option}."
        ) from error
    return door


class PatientServer(uvicorn.Server):
    """Minds Ctrl-C again once it is there; see `ctrl_c_waits`."""

    async def startup(self, sockets: Any = None) -> None:
        """Start, and take what has waited."""
        await super().startup(sockets)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Let Ctrl-C wait for a `PatientServer`, at the longest until the end of this."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
