"""A bucket of an object store as the target of an export: S3 and what speaks its protocol, Google's and Azure's stores.

`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`. The library (obstore, over Apache Arrow's
object_store) finds credentials, region and endpoint itself: in its environment variables (`AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`; `GOOGLE_...`; `AZURE_...`) or from the
machine's role. Nothing of it is read here, and none may stand in the address.

The checkpoint is swapped by a conditional PUT (If-Match, If-None-Match; RFC 9110 section 13.1). A store that cannot do
that is told so with `AWS_CONDITIONAL_PUT=disabled`; then the checkpoint is read again just before it is put.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import from_url

from custody.kernel.errors import Forbidden, NotFound, Rejected, Trouble, Unavailable
from custody.store import log_target
from custody.store.log_target import TILES, HeldFile, form_of, moved

if TYPE_CHECKING:
    from obstore import Attributes, PutMode, UpdateVersion

SCHEMES = ("s3", "gs", "az")
TRIES = 5
LISTED = 1000
DELETED = 1000
SHOWN = 300
"""How much of a store's own words is shown."""

_REFUSED = "Check the credentials in the environment; they must be allowed to list, read and write there."
_NONE = (
    "The environment holds no credentials, and this machine has no role of its own. Set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY; for gs:// GOOGLE_APPLICATION_CREDENTIALS; for az:// AZURE_STORAGE_ACCOUNT_NAME and "
    "AZURE_STORAGE_ACCOUNT_KEY."
)
_PANIC = "PanicException"
"""What the library raises, as no `Exception`, where it is given an endpoint that is no address."""
_NO_ADDRESS = (
    "Write the endpoint in the environment (AWS_ENDPOINT_URL, AZURE_STORAGE_ENDPOINT) with its scheme, such as "
    "https://storage.example:9000."
)
_UNKNOWN: tuple[type[Trouble], str, str] = (Unavailable, "unavailable", "The store refused; its own words say why.")
_REASONS: tuple[tuple[str, type[Trouble], str, str], ...] = (
    ("NoSuchBucket|ContainerNotFound", NotFound, "bucket", "There is no such bucket: make it, or correct the address."),
    (
        r"/latest/(api|meta-data)|169\.254\.|metadata\.google|Missing (AccessKeyId|SecretAccessKey)|Account must be",
        Forbidden,
        "credentials",
        _NONE,
    ),
    (r"status code: 40[13]|service account file|Invalid Access Key", Forbidden, "credentials", _REFUSED),
    ("builder error", Rejected, "address", "An endpoint without TLS needs AWS_ALLOW_HTTP=true (az: AZURE_ALLOW_HTTP)."),
    ("Unable parse source url", Rejected, "address", _NO_ADDRESS),
    ("[Rr]edirect", Rejected, "address", "Set AWS_REGION to the bucket's region."),
    ("status code: 501", Rejected, "address", "A store without conditional PUT needs AWS_CONDITIONAL_PUT=disabled."),
    (
        r"error sending request|response body error|timed out|status code: 5\d\d",
        Unavailable,
        "unavailable",
        "Check the network and AWS_ENDPOINT_URL, for az:// AZURE_STORAGE_ENDPOINT, or export again later.",
    ),
)
"""What a store says, and what it means for the caller."""


class Bucket:
    """A prefix of a bucket."""

    at_once = 16

    def __init__(self, address: str) -> None:
        self.name = address.rstrip("/")
        parts = urlsplit(address)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise Rejected(
                "address",
                f"{parts.scheme}://{parts.hostname or ''} is no bucket",
                fix=f"Write s3://BUCKET/PREFIX ({', '.join(SCHEMES)}), or the name of a folder.",
            )
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise Rejected(
                "address",
                "the address of a bucket carries more than bucket and prefix",
                fix="Give credentials in the environment, such as AWS_ACCESS_KEY_ID; commands are seen by others.",
            )
        with self._explained():
            self._store = from_url(
                self.name, retry_config={"max_retries": TRIES, "retry_timeout": timedelta(seconds=60)}
            )

    def sizes(self) -> dict[str, int]:
        """Every file below `tile/`."""
        with self._explained():
            listed = obstore.list(self._store, prefix=TILES, chunk_size=LISTED)
            return {file["path"]: file["size"] for files in listed for file in files}

    def read(self, path: str) -> HeldFile | None:
        """A file, or None if there is none; without any bytes if it has more than `MOST_BYTES`."""
        try:
            with self._explained():
                got = obstore.get(self._store, path)
                data = b"" if got.meta["size"] > log_target.MOST_BYTES else bytes(got.bytes())
                return HeldFile(data=data, tag=got.meta["e_tag"], version=got.meta["version"])
        except NotFound as error:
            if error.code != "file":
                raise
            return None

    def put(self, path: str, data: bytes) -> None:
        """Put a file there; the store shows it whole or not at all."""
        self._put(path, data, "overwrite")

    def swap(self, path: str, data: bytes, *, held: HeldFile | None) -> None:
        """Replace what was read, and nothing else."""
        try:
            self._put(path, data, "create" if held is None else _update(held))
        except NotImplementedError:
            if self.read(path) != held:
                raise moved(self.name, path) from None
            self._put(path, data, "overwrite")
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            now = self.read(path)  # ours, if it came through and its answer did not
            if now is None or now.data != data:
                raise moved(self.name, path) from None

    def remove(self, paths: Sequence[str]) -> None:
        """Take files away; where Google or Azure refuse since one is not there, they go one by one."""
        for start in range(0, len(paths), DELETED):
            part = paths[start : start + DELETED]
            if not self._all_gone(part):
                for path in part:
                    self._all_gone([path])

    def _all_gone(self, paths: Sequence[str]) -> bool:
        """Take files away; False if one was not there, which may have kept others there."""
        try:
            with self._explained():
                obstore.delete(self._store, paths)
        except NotFound as error:
            if error.code != "file":
                raise
            return False
        return True

    def _put(self, path: str, data: bytes, mode: "PutMode") -> None:
        form = form_of(path)
        attributes: Attributes = {"Content-Type": form.media_type, "Cache-Control": form.cache_control}
        with self._explained():
            obstore.put(self._store, path, data, attributes=attributes, mode=mode, use_multipart=False)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What the library raises becomes an error that says what to do; a swap deals with its conditions itself."""
        try:
            yield
        except (NotImplementedError, exceptions.AlreadyExistsError, exceptions.PreconditionError):
            raise
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise _trouble(self.name, error) from None
        except BaseException as error:
            if type(error).__name__ != _PANIC:
                raise
            raise Rejected("address", f"{self.name}: {error}", fix=_NO_ADDRESS) from None


def _update(held: HeldFile) -> "UpdateVersion":
    version: UpdateVersion = {}
    if held.tag is not None:
        version["e_tag"] = held.tag
    if held.version is not None:
        version["version"] = held.version
    return version


def _trouble(name: str, error: Exception) -> Trouble:
    """The error by what the caller can do, with the store's own words; a query may carry a signature and is cut."""
    said = re.sub(r"(https?://[^\s?]*)\?\S*", r"\1", " ".join(str(error).partition("Debug source")[0].split()))
    why = f"{name}: {said[:SHOWN]}"
    kind, code, fix = next((row[1:] for row in _REASONS if re.search(row[0], said)), _UNKNOWN)
    if kind is not NotFound and isinstance(error, FileNotFoundError):
        kind, code, fix = NotFound, "file", "Export again."
    return kind(code, why, fix=fix)
