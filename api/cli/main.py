"""`weaklink`: the entry of the command line, so small that Ctrl-C ends it quietly while commands are loaded."""

import gc
import os
import signal
import sys
from importlib import import_module

COMMANDS = "api.cli.commands"
STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}


def open_streams() -> None:
    """Have each stream that whoever started us has closed lead nowhere: a file would get its number else."""
    for name, mode in STREAMS.items():
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def main() -> None:
    """Entry point of the console script."""
    open_streams()
    found = signal.getsignal(signal.SIGINT)
    if found is signal.default_int_handler:  # else whoever started us keeps Ctrl-C from us
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    app = import_module(COMMANDS).app
    gc.freeze()  # it stays to the end: the search for garbage there, of some 100,000 things, was the longest part of it
    signal.signal(signal.SIGINT, found)
    app()


if __name__ == "__main__":
    main()
