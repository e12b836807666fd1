"""The address that a server of ours listens on, taken before it says that it is there, and Ctrl-C from then on.

Ctrl-C after the address was told, and before the web server minds it, waits until the server is there and ends it then.
"""

import errno
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from custody.kernel.errors import Unavailable

BACKLOG = 2048
"""So many connections wait until they are taken."""
UNREAD_MS = 60_000
"""How long a client may let an answer lie of which not one more byte can be sent (TCP_USER_TIMEOUT of tcp(7)).

A full window counts, too, until whoever reads on has opened it again. A client that never reads would else hold its
connection, and what was made for it, for as long as it is there."""


def listen(host: str, port: int) -> socket.socket:
    """Listen at the address, which nobody else shares; raises `Unavailable("address")`.

    An address of nothing is refused: a socket takes it for all addresses of its machine.
    """
    if not host:
        fix = "Choose another --host, such as 127.0.0.1; 0.0.0.0 is every network of this machine."
        raise Unavailable("address", "it cannot listen on no address", fix=fix)
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; what is accepted inherits it
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    try:
        door.bind((host, port))
        door.listen(BACKLOG)
    except (UnicodeError, TypeError) as error:  # what has no spelling in ASCII (RFC 3490)
        door.close()
        what = f"it cannot listen on {host}: that is no name of a machine"
        raise Unavailable("address", what, fix="Choose another --host.") from error
    except (OSError, OverflowError) as error:
        door.close()
        refused = error.errno if isinstance(error, OSError) else errno.EADDRINUSE
        option = "--port" if refused in {errno.EADDRINUSE, errno.EACCES} else "--host"
        why = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
        raise Unavailable(
            "address", f"it cannot listen on {host}:{port}: {why}", fix=f"Choose another {option}."
        ) from error
    return door


@contextmanager
def ctrl_c_waits() -> Iterator[threading.Event]:
    """Lend whether Ctrl-C was pressed, for a `Server`; it is raised at the end of this."""
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: pressed.set())
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise KeyboardInterrupt
