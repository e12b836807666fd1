"""Puts a headless Chromium and axe-core into `.tools/browser`, from the npm registry the machine is set up for.

`npm ci` takes exactly what `package-lock.json` names, checked against its hashes, and runs no package's scripts. The
package `@sparticuz/chromium` carries the browser itself, compressed, for Linux on x86-64; it unpacks into the folder
that `TMPDIR` names, together with the libraries (NSS and others) that it brings for machines without them when
`AWS_EXECUTION_ENV` names such a machine. A stamp holds the hash of the lock file: the next call only reads it.

Standard library only; `dev.py test` calls it. Without npm it says so and leaves the browser to the PATH.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent.parent / ".tools" / "browser"
STAMP = TARGET / "stamp"
UNPACK = 'import chromium from "@sparticuz/chromium"; await chromium.executablePath();'


def say(text: str) -> None:
    """Show progress where dev.py shows its own."""
    sys.stderr.write(f"{text}\n")


def run(label: str, command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Run one step in the target folder; show its output only when it fails."""
    began = time.monotonic()
    say(f"  {label} ...")
    done = subprocess.run(
        command, cwd=TARGET, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()[-12:]
        say("\n".join([f"  {label} failed (exit {done.returncode}).", *(f"    {line}" for line in lines)]))
        say("Check the network and `npm config list`, then run the same command again; it starts over cleanly.")
        return False
    say(f"  {label}: {time.monotonic() - began:.1f} s")
    return True


def install(npm: str, node: str, key: str) -> bool:
    """Make the folder anew; the stamp comes last, so an interrupted attempt is made again."""
    say(f"setting up {TARGET} (browser for the tests)")
    shutil.rmtree(TARGET, ignore_errors=True)
    unpacked = TARGET / "unpacked"
    unpacked.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, TARGET / name)
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--engine-strict=false", "--loglevel=error"]
    if not run("npm packages", [npm, "ci", *flags], os.environ):
        return False
    if sys.platform == "linux" and platform.machine() == "x86_64":
        env = {**os.environ, "TMPDIR": str(unpacked), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
        if not run("unpacking Chromium", [node, "--input-type=module", "--eval", UNPACK], env):
            return False
    STAMP.write_text(key)
    return True


def main() -> int:
    """Install unless the stamp says that it is done."""
    key = hashlib.sha256((HERE / "package-lock.json").read_bytes() + str(TARGET).encode()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == key:
        return 0
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        say("no npm here: browser tests need a Chromium on the PATH, and accessibility checks need npm")
        return 0
    TARGET.parent.mkdir(exist_ok=True)
    with (TARGET.parent / "browser.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if STAMP.exists() and STAMP.read_text() == key:
            return 0
        return 0 if install(npm, node, key) else 1


if __name__ == "__main__":
    sys.exit(main())
