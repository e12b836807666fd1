"""The sockets under an MQTT connection: small packets that leave at once, and a thread that can be woken."""

import contextlib
import socket
import ssl
from typing import Any

QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)


def send_at_once(_client: object, _data: object, sock: Any) -> None:
    """Do not wait for more before a packet leaves; to be called by a client that has opened a socket."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def ack_at_once(sock: socket.socket) -> None:
    """Acknowledge what has come; Linux forgets this wish after a while, so it is repeated."""
    if QUICK_ACK is not None:
        with contextlib.suppress(OSError):  # the connection may just have ended
            sock.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)


def holds_more(sock: socket.socket) -> bool:
    """Whether bytes have been read from the wire that no select will tell of."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def hang_up(sock: object) -> None:
    """End a connection for both sides, if there is one."""
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class Waker:
    """A pair of sockets, one of which becomes readable when somebody calls `wake`."""

    def __init__(self) -> None:
        self.heard, self._said = socket.socketpair()
        self.heard.setblocking(False)
        self._said.setblocking(False)

    def wake(self) -> None:
        """Wake whoever selects on `heard`; never blocks, and does nothing after `close`."""
        with contextlib.suppress(OSError):
            self._said.send(b"\x00")

    def clear(self) -> None:
        """Be ready for the next time."""
        with contextlib.suppress(BlockingIOError):
            self.heard.recv(4096)

    def close(self) -> None:
        """Give both sockets back."""
        self._said.close()
        self.heard.close()
