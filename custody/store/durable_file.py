"""Files that are there whole or not at all, and stay when the power goes.

What takes the place of another file goes into a draft beside it, is flushed to the disk, and is renamed over it; then
the folder is flushed, because a rename is an entry of the folder. Whoever reads sees the old content or the new, never
a part.

Whoever may write into the folder may know the draft's name, and lead it elsewhere by a link. So a draft is always a new
file: one that lies there, also of a process that died, goes first.

A rename over a device puts a file in its place, for everybody on the machine; so only a file is replaced.
"""

import errno
import os
import threading
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put `content` at `path`; durable when this returns. Raises `OSError` and leaves what is there as it was."""
    check_replaceable(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.draft")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        write_out(descriptor, content, path=path)
        draft.replace(path)
    except BaseException:  # Ctrl-C too leaves no draft
        draft.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def create_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put `content` into a new file; durable when this returns. Raises `OSError` and leaves no part of it.

    Raises `FileExistsError` for whatever is there, a link that leads nowhere too.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_out(descriptor, content, path=path)
    except BaseException:  # Ctrl-C too leaves no part
        path.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def check_replaceable(path: Path) -> None:
    """Raise `OSError` if a folder, a device or a pipe is there, which no file may take the place of."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is no ordinary file", str(path))


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing; durable when this returns."""
    missing = [each for each in (path, *path.parents) if not each.is_dir()]
    path.mkdir(parents=True, exist_ok=True)
    for each in missing:
        _flush_folder(each.parent)


def write_out(descriptor: int, content: bytes, *, path: Path) -> None:
    """Write an open file to its end; durable when this returns. Raises `OSError` that names what it was to become."""
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # of an open file it names none
        error.filename = str(path)
        raise


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
