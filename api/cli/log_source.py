"""Where a log is read from by anybody: an address, or a folder of its files."""

from collections.abc import Callable
from pathlib import Path

import httpx

from custody.kernel.errors import NotFound, Unavailable
from custody.ledger.tiles import TileId


class LogSource:
    """The checkpoint and tiles behind an address or in a folder."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.rstrip("/")
        self._http = httpx.Client(timeout=60)
        self._read: Callable[[str], bytes] = self._fetch if prefix.startswith("http") else self._open

    def checkpoint(self) -> bytes:
        """The newest checkpoint; raises `NotFound` or `Unavailable`."""
        return self._read("checkpoint")

    def tile(self, wanted: TileId) -> bytes:
        """A tile or a bundle; raises `NotFound` or `Unavailable`."""
        return self._read(wanted.path)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _open(self, path: str) -> bytes:
        file = Path(self._prefix) / path
        if not file.is_file():
            raise NotFound("tile", f"{file} is missing", fix="Copy the whole log.")
        return file.read_bytes()

    def _fetch(self, path: str) -> bytes:
        try:
            answer = self._http.get(f"{self._prefix}/{path}")
        except httpx.HTTPError as error:
            raise Unavailable("log", f"{self._prefix} does not answer: {error}", fix="Check the address.") from error
        if answer.is_error:
            raise NotFound("tile", f"{path}: HTTP {answer.status_code}", fix="The log does not serve it.")
        return answer.content
