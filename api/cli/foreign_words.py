r"""Words that came from a log, a pack or a server, made harmless for a screen.

A terminal obeys what it is sent: an escape sequence clears or hides what was printed, a line break or a mark that turns
the direction of writing makes one thing look like another. So of foreign words only letters, marks, figures and plain
spaces reach the screen (what Python calls printable); the rest is shown as an escape such as `\x1b` or `\u202e`, each
value on its line. JSON keeps its meaning: there the escapes are JSON's own.

Brackets are left alone: the consoles of the command line (client.py) read no markup in any text.
"""

import json
import re
from typing import Any

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
"""What has to be looked at more closely."""


def harmless(words: object) -> str:
    """The words on one line, whatever stands in them."""
    return _UNPRINTABLE.sub(_shown, str(words))


def harmless_lines(text: str) -> str:
    """The text, each of its own lines on a line; only where the screen shows what is whose."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def harmless_value(value: Any) -> Any:
    """A JSON value in which all words are harmless, names of members too."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, list | tuple):
        return [harmless_value(each) for each in value]
    if isinstance(value, dict):
        return {harmless(name): harmless_value(each) for name, each in value.items()}
    return value


def harmless_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON that a screen can show and that means the same."""
    return _UNPRINTABLE.sub(_in_json, json.dumps(value, ensure_ascii=False, indent=indent))


def _shown(found: re.Match[str]) -> str:
    letter = found[0]
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def _in_json(found: re.Match[str]) -> str:
    letter = found[0]
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]
