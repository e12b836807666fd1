#!/usr/bin/env python3
"""One command for everything: sets the project up on a fresh machine and hands over.

    python3 dev.py run      start the service on its embedded defaults
    python3 dev.py demo     play the whole story on a private instance and check how it ends
    python3 dev.py test     every test, against real servers and a real browser
    python3 dev.py bench    the benchmarks, as ratios
    python3 dev.py lint     ruff, mypy and the import floors
    python3 dev.py setup    prepare everything, start nothing
    python3 dev.py lock     renew the locked requirements

`python3 dev.py VERB --help` explains a verb. Standard library only; Python 3.11 or newer is all it needs. The packages
go into `.venv` beside this file, hash-checked, from the registry that the machine's pip is set up for, with uv where uv
installs and pip elsewhere. A stamp holds the hash of what was installed: the second start only reads it, and an
installation that was interrupted is made again from the beginning.
"""

import os
import shutil
import subprocess
import sys

if sys.platform == "win32":
    sys.exit("weaklink runs on Linux and macOS. On Windows, start it inside WSL: wsl --install")
if sys.version_info < (3, 11):  # noqa: UP036 - this block runs on the old interpreter, before anything newer is read
    for minor in range(20, 10, -1):
        other = shutil.which("python3." + str(minor))
        if other and subprocess.call([other, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(other, [other, *sys.argv])  # noqa: S606 - the same program on a newer Python
    sys.exit(
        "weaklink needs Python 3.11 or newer; this is Python "
        + sys.version.split()[0]
        + ", and the PATH has no newer one."
        "\nInstall one (Debian, Ubuntu: apt-get install python3.12; macOS: brew install python) and start with it:"
        "\n  python3.12 dev.py ..."
    )

import fcntl
import hashlib
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
TOOLS = ROOT / ".tools"
BYTECODE = TOOLS / "bytecode"
STAMP = VENV / "weaklink-stamp"
UNFINISHED = VENV / "weaklink-unfinished"
LAYOUT = 1  # raise it when what an installation consists of changes: every checkout then installs again
SERVERS = ROOT / "tests" / "servers"

HELP = {
    "run": """python3 dev.py run [--port PORT] [--data DIR] ...

Starts the service with its embedded database and broker; prints the console's address and the local accounts.
What follows the verb goes to `weaklink serve`.
  python3 dev.py run
  python3 dev.py run --port 8080 --data ./my-data
  .venv/bin/weaklink serve --help        every option""",
    "demo": """python3 dev.py demo [--json] [--keep] ...

Plays the whole story on a private instance on free ports, verifies the evidence pack offline and exits 0, or another
number when a step failed. What follows the verb goes to `weaklink demo`.
  python3 dev.py demo
  python3 dev.py demo --json             one JSON object as the last line
  python3 dev.py demo --keep             leave the service up to look at the console""",
    "test": """python3 dev.py test [PYTEST ARGUMENT ...]

Runs every test against a real PostgreSQL, a real MQTT broker and a real browser. What this machine cannot have is
skipped with its reason, or fails when CI=true. What follows the verb goes to pytest; several workers share the files
unless an argument needs one process (-n, --pdb, -s, --collect-only).
  python3 dev.py test tests/rooms -k checkpoint
  python3 dev.py test -n0 -x -vv -m 'not slow'""",
    "bench": """python3 dev.py bench [ARGUMENT ...]

Prints the benchmarks as ratios. What follows the verb goes to `weaklink bench`.
  python3 dev.py bench --json""",
    "lint": """python3 dev.py lint [--fix]

Checks style (ruff), layout (ruff format), types (mypy --strict) and the import floors (lint-imports).
  python3 dev.py lint --fix              let ruff repair what it can""",
    "setup": """python3 dev.py setup [run]

Prepares everything and starts nothing.
  python3 dev.py setup                   service, tests and lint
  python3 dev.py setup run               only what the service needs""",
    "lock": """python3 dev.py lock [--upgrade]

Writes requirements/*.txt anew from the .in files, with hashes and without addresses, and the browser's
tests/servers/package-lock.json where npm exists. Versions stay where they are unless an .in file asks for a change.
  python3 dev.py lock --upgrade          take the newest versions""",
}

NETWORK = re.compile(
    r"name resolution|dns error|getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|Network is unreachable|NewConnectionError"
    r"|timed out|error sending request|Connection refused|ETIMEDOUT|Failed to establish",
    re.IGNORECASE,
)


class SetupError(Exception):
    """Set-up cannot go on; the sentences say what is missing and what to do."""


def say(text: str) -> None:
    """Progress goes to standard error, so that standard output stays the command's own."""
    print(text, file=sys.stderr, flush=True)


def step(label: str, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run one quiet part of the set-up; show that it lives, and its output only when it fails."""
    say(f"  {label} ...")
    began = shown = time.monotonic()
    null = subprocess.DEVNULL
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        with subprocess.Popen(command, stdin=null, stdout=log, stderr=log, env=env, cwd=cwd, close_fds=False) as child:
            while child.poll() is None:
                time.sleep(0.05)
                if time.monotonic() - shown > 10:
                    shown = time.monotonic()
                    say(f"  {label}: still at it after {shown - began:.0f} s")
        if child.returncode:
            log.seek(0)
            raise SetupError(f"{label} failed (exit {child.returncode}).\n{advice(log.read())}")
    say(f"  {label}: {time.monotonic() - began:.1f} s")


def advice(output: str) -> str:
    """Return the end of a failed command's output and what the reader can do about it."""
    lines = [line for line in output.splitlines() if line.strip() and not re.match(r"Ignoring|WARNING: Retrying", line)]
    tail = "\n".join("    " + line for line in lines[-12:])
    if re.search(r"hash", output) and re.search(r"mismatch|do not match", output, re.IGNORECASE):
        hint = "A package differs from the one that was locked. Do not go on; compare it with requirements/*.txt."
    elif NETWORK.search(output):
        hint = "The package registry could not be reached. Check the network, then `pip config list`."
    elif "No space left" in output:
        hint = "The disk is full; the environment needs about 800 MB."
    else:
        hint = "Run the same command again; it starts over cleanly. If it fails the same way, the lines above say why."
    return f"{tail}\n{hint}"


@contextmanager
def alone() -> Iterator[None]:
    """Hold the set-up lock, also for steps that outlive us, so that two commands install one after the other."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as handle:
        os.set_inheritable(handle.fileno(), True)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another dev.py is setting this checkout up; waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def key_of(kind: str) -> str:
    """Return what an installation of this kind depends on, as one digest."""
    locked = (ROOT / "requirements" / f"{kind}.txt").read_bytes()
    return hashlib.sha256(f"{LAYOUT}\0{kind}\0{ROOT}\0".encode() + locked).hexdigest()


def is_installed(kind: str) -> bool:
    """Tell whether the environment holds what this kind needs; one made for development serves `run` as well."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    stamp = STAMP.read_text() if STAMP.exists() else ""
    return any(stamp == key_of(made) for made in {kind, "dev"})


def install(kind: str) -> None:
    """Make `.venv` hold the locked packages of this kind."""
    if is_installed(kind):
        return
    with alone():
        if is_installed(kind):
            return
        began = time.monotonic()
        say(f"setting up {VENV} ({kind})")
        make_venv()
        UNFINISHED.touch()
        install_packages(ROOT / "requirements" / f"{kind}.txt")
        link_checkout()
        STAMP.write_text(key_of(kind))
        UNFINISHED.unlink()
        say(f"set up in {time.monotonic() - began:.1f} s")


def make_venv() -> None:
    """Keep a usable `.venv`; make a new one where it is missing, interrupted, moved or of an old Python."""
    config = VENV / "pyvenv.cfg"
    version = re.search(r"(?m)^version(?:_info)? *= *3\.(\d+)", config.read_text() if config.exists() else "")
    usable = version is not None and int(version[1]) >= 11 and PYTHON.exists() and not UNFINISHED.exists()
    script = VENV / "bin" / "weaklink"
    if usable and (not script.exists() or f"'{PYTHON}'" in script.read_text()):
        return
    if VENV.exists():
        say("  the environment there is unfinished, moved or of an old Python: making it again")
        old = Path(tempfile.mkdtemp(prefix="old-", dir=TOOLS))
        VENV.rename(old / "venv")  # in one move: a removal that is interrupted leaves nothing that looks usable
        shutil.rmtree(old, ignore_errors=True)
    step("virtual environment", [sys.executable, "-m", "venv", "--without-pip", str(VENV)])


def pip_command() -> list[str]:
    """Return a pip that installs into `.venv`: its own, the interpreter's, or one unpacked from the interpreter."""
    own = [str(PYTHON), "-m", "pip"]
    outer = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    for candidate in (own, outer):
        if quiet([*candidate, "--version"]):
            return candidate
    if quiet([str(PYTHON), "-m", "ensurepip"]):
        return own
    raise SetupError(
        "This Python brings no pip and cannot unpack one.\n"
        "Install it (Debian, Ubuntu: apt-get install python3-venv; Fedora: dnf install python3-pip) and run this again."
    )


def quiet(command: Sequence[str]) -> bool:
    """Tell whether a command works here."""
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0


def install_packages(requirements: Path) -> None:
    """Install locked packages with uv where uv can be had, else with pip; every file is checked against its hash."""
    locked = ["--require-hashes", "--no-deps", "-r", str(requirements)]
    count = len(re.findall(r"(?m)^[\w.-]+==", requirements.read_text()))
    pip: list[str] | None = None
    try:
        if not UV.exists():
            pip = pip_command()
            pinned = str(ROOT / "requirements" / "uv.txt")
            step("uv", [*pip, "install", "--require-hashes", "--no-deps", "--progress-bar", "off", "-r", pinned])
        arguments = [str(UV), "pip", "install", "--python", str(PYTHON), *locked]
        step(f"{count} packages with uv", arguments, env=uv_environment(pip or pip_command()))
    except SetupError as trouble:
        if pip is None:
            pip = pip_command()
        say(f"  {str(trouble).splitlines()[0]} Trying pip.")
        step(f"{count} packages with pip", [*pip, "install", "--progress-bar", "off", *locked])


def uv_environment(pip: Sequence[str]) -> dict[str, str]:
    """Hand pip's configuration on to uv, which does not read it: indexes, links, certificate."""
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    found: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # later ones win, as in pip
        found |= dict(re.findall(rf"(?m)^{section}\.([\w-]+)='(.*)'$", listed))
    several = {name: " ".join(value.replace("\\n", " ").split()) for name, value in found.items()}
    handed = {
        "UV_DEFAULT_INDEX": several.get("index-url"),
        "UV_INDEX": several.get("extra-index-url"),
        "UV_FIND_LINKS": several.get("find-links", "").replace(" ", ","),
        "UV_INSECURE_HOST": several.get("trusted-host"),
        "SSL_CERT_FILE": several.get("cert"),
    }
    return {name: value for name, value in handed.items() if value} | dict(os.environ)


def link_checkout() -> None:
    """Make the checkout importable in `.venv` and put the `weaklink` command there."""
    (site,) = (VENV / "lib").glob("python3.*/site-packages")
    (site / "weaklink-checkout.pth").write_text(f"{ROOT}\n")
    script = VENV / "bin" / "weaklink"
    script.write_text(
        f"#!/bin/sh\n'''exec' '{PYTHON}' \"$0\" \"$@\"\n' '''\n"
        "import sys\n\nfrom api.cli.main import main\n\n"
        'if __name__ == "__main__":\n    sys.argv[0] = "weaklink"\n    sys.exit(main())\n'
    )
    script.chmod(0o755)


def install_browser() -> None:
    """Make sure of the browser that the tests drive; without npm it may still stand on the PATH."""
    if subprocess.run([str(PYTHON), str(SERVERS / "install_browser.py")], check=False).returncode:
        raise SetupError("The browser for the tests could not be installed; the lines above say why.")


def hand_over(arguments: Sequence[str]) -> None:
    """Become the environment's Python; bytecode is kept apart, or every start would compile every library."""
    sys.stdout.flush()
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "PATH": path, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    os.execve(PYTHON, [str(PYTHON), *arguments], environment)  # noqa: S606 - our own interpreter, no shell wanted


def command_line(kind: str, verb: str, arguments: Sequence[str]) -> int:
    """Go on as `weaklink VERB`, from wherever the caller stands."""
    install(kind)
    hand_over(["-P", "-m", "api.cli.main", verb, *arguments])
    return 0


def test(arguments: list[str]) -> int:
    """Run the tests on one worker more than there are cores: tests wait for servers and clocks."""
    install("dev")
    install_browser()
    os.chdir(ROOT)
    alone_only = re.compile(r"-n|--numprocesses|--dist|--pdb|--trace$|-s$|--capture=no|--co$|--collect-only")
    single = any(alone_only.match(argument) for argument in arguments)
    cores = os.cpu_count() or 1
    workers = [] if single or cores == 1 else ["-n", str(min(cores + 1, 4)), "--dist", "loadfile"]
    hand_over(["-m", "pytest", *workers, *arguments])
    return 0


def lint(arguments: list[str]) -> int:
    """Run every checker, also after one of them complained."""
    install("dev")
    os.chdir(ROOT)
    fix = "--fix" in arguments
    checks = [
        ["ruff", "check", *(["--fix"] if fix else []), "."],
        ["ruff", "format", *([] if fix else ["--check"]), "."],
        ["mypy"],
        ["mypy", "--explicit-package-bases", "dev.py", "tests"],
        ["lint-imports"],
    ]
    failed = []
    for tool, *rest in checks:
        say(f"$ {' '.join([tool, *rest])}")
        if subprocess.run([str(VENV / "bin" / tool), *rest], check=False).returncode:
            failed.append(tool)
    say(f"lint: {', '.join(failed)} complained" if failed else "lint: clean")
    return 1 if failed else 0


def setup(arguments: list[str]) -> int:
    """Prepare everything, start nothing."""
    if arguments == ["run"]:
        install("run")
    else:
        install("dev")
        install_browser()
    say("ready")
    return 0


def lock(arguments: list[str]) -> int:
    """Renew the locked requirements; what runs is held to what was tested, so run.txt is a part of dev.txt."""
    install("dev")
    if not UV.exists():
        raise SetupError("Locking needs uv, which did not install. Remove .venv and run this with the network up.")
    usual = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header"]
    usual += ["--no-annotate", "--quiet", *(["--upgrade"] if "--upgrade" in arguments else [])]
    environment = uv_environment(pip_command())
    for name, held in (("dev", []), ("run", ["-c", "dev.txt"]), ("uv", [])):
        command = [str(UV), "pip", "compile", f"{name}.in", *held, "-o", f"{name}.txt", *usual]
        step(f"requirements/{name}.txt", command, env=environment, cwd=ROOT / "requirements")
    npm = shutil.which("npm")
    if npm:
        renew = "update" if "--upgrade" in arguments else "install"
        flags = ["--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved", "--loglevel=error"]
        step("tests/servers/package-lock.json", [npm, renew, *flags], cwd=SERVERS)
    return 0


VERBS = {
    "run": lambda arguments: command_line("run", "serve", arguments),
    "demo": lambda arguments: command_line("run", "demo", arguments),
    "bench": lambda arguments: command_line("dev", "bench", arguments),
    "test": test,
    "lint": lint,
    "setup": setup,
    "lock": lock,
}


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(__doc__)
        return 0 if arguments else 2
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        say(f"dev.py knows no verb {verb!r}; it knows {', '.join(VERBS)}. `python3 dev.py --help` explains them.")
        return 2
    if rest[:1] in (["-h"], ["--help"]):
        print(HELP[verb])
        return 0
    try:
        return VERBS[verb](rest)
    except SetupError as trouble:
        say(f"dev.py: {trouble}")
        return 3
    except KeyboardInterrupt:
        say("interrupted; run the same command again, it starts over cleanly")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
