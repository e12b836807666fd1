"""`weaklink`: the entry of the command line, so small that Ctrl-C ends it quietly while commands are loaded."""

import gc
import signal
from importlib import import_module

COMMANDS = "api.cli.commands"


def main() -> None:
    """Entry point of the console script."""
    found = signal.getsignal(signal.SIGINT)
    if found is signal.default_int_handler:  # else whoever started us keeps Ctrl-C from us
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    app = import_module(COMMANDS).app
    gc.freeze()  # it stays to the end: the search for garbage there, of some 100,000 things, was the longest part of it
    signal.signal(signal.SIGINT, found)
    app()


if __name__ == "__main__":
    main()
