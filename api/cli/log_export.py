"""`weaklink log export`: the log as files in a folder or a bucket, which any web server hands out and anybody audits.

Exit codes: 0 the target shows the log's newest checkpoint; 1 it would be wrong to write there (another past, a newer
checkpoint, another log) or the log itself is wrong; 2 the log that was named, or its key, cannot be used; 3 the log or
the target could not be reached, so try later.
"""

import re
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import console, errors, fail, is_address, show
from api.cli.log_source import open_log
from api.environment import store_endpoints
from custody.kernel.errors import Trouble, Unavailable
from custody.store.log_target import Folder, Target
from custody.store.static_export import export_log

BUCKETS = "custody.store.log_bucket"
TELL_EVERY_S = 2.0
_BUCKET = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def export(
    target: Annotated[str, typer.Argument(help="A folder, or a bucket: s3://BUCKET/PREFIX (also gs://, az://).")],
    source: Annotated[
        str | None, typer.Option("--from", help="The log's URL or folder; the service by default.")
    ] = None,
    vkey: Annotated[str | None, typer.Option(help="The log's key as you know it; else the one it gives.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Read and check what is there already, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Write entries and tiles, then the checkpoint; only what is new is sent, and a run that was stopped goes on.

    Example: `weaklink log export mirror && weaklink log audit mirror --vkey "$(cat log.vkey)"`.

    Example: `AWS_REGION=eu-west-2 weaklink log export s3://custody-log/2026`. Credentials, region and endpoint come
    from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL) or the machine's
    role, never from the command line. Let the public read the bucket, and anybody audits it:
    `weaklink log audit https://custody-log.s3.eu-west-2.amazonaws.com/2026 --vkey "$(cat log.vkey)"`.
    """
    began = time.monotonic()
    _check_target(target)
    with open_log(source, vkey) as (reading, log):
        try:
            place = _place(target)
            done = export_log(
                place,
                get_checkpoint=reading.checkpoint,
                get_tile=reading.tile,
                log=log,
                whole=whole,
                progress=_Watch(quiet=quiet),
            )
        except Unavailable as trouble:
            fail(trouble.detail, fix=trouble.fix, code=3)
        except Trouble as trouble:
            fail(trouble.detail, fix=trouble.fix)
        except (FileExistsError, NotADirectoryError) as error:
            fail(f"{error.filename or target} is in the way: {error.strerror}", fix="Check the folder.")
        except OSError as error:
            what = f"{error.filename or target} cannot be read or written: {error.strerror}"
            fail(what, fix="Make room there, or see to it that it may be written; then export again.", code=3)
    value = {
        "target": place.name,
        "size": done.size,
        "root": done.root.hex(),
        "written": done.written,
        "removed": done.removed,
        "left": done.left,
        "seconds": round(time.monotonic() - began, 1),
    }
    show(value, as_json=as_json, human=_done)


class _Watch:
    """Says on stderr how far the export is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said_s = self._began = time.monotonic()

    def __call__(self, done: int, size: int, written: int) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._said_s >= TELL_EVERY_S:
            self._said_s = now
            told = f"{done:,} of {size:,} entries, {written:,} files written, {now - self._began:.0f} s"
            errors.print(told, highlight=False)


def _check_target(target: str) -> None:
    """End the command, before the log is read, unless this can be a folder or a bucket; an empty one is none."""
    if not target.strip():
        fail("no target is named", fix="Name a folder, or a bucket: s3://BUCKET/PREFIX. The current folder is `.`.")
    if not _BUCKET.match(target) and Path(target).exists() and not Path(target).is_dir():
        fail(f"{target} is a file", fix="Name a folder, or a bucket: s3://BUCKET/PREFIX.")
    for name, endpoint in store_endpoints(target.partition("://")[0].lower()).items():
        if not (endpoint.startswith(("http://", "https://")) and is_address(endpoint)):  # else it writes a trace
            fail(f"{name} is no address: {endpoint}", fix="Write its scheme too, as in https://storage.example:9000.")


def _place(target: str) -> Target:
    """Folder or bucket; the object store's library is loaded only for a bucket."""
    if _BUCKET.match(target):
        bucket: Target = import_module(BUCKETS).Bucket(target)
        return bucket
    return Folder(Path(target))


def _done(value: dict[str, Any]) -> None:
    console.print(
        f"{value['target']} holds {value['size']:,} entries; {value['written']:,} files are new, "
        f"{value['removed']:,} partial tiles went.",
        highlight=False,
    )
    if value["left"]:
        console.print(
            f"  {value['left']:,} partial tiles that nobody needs stayed: the store does not let them be deleted. "
            "They do no harm.",
            highlight=False,
        )
