"""How the command line talks to a running service."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
import typer
from rich.highlighter import JSONHighlighter
from rich.table import Column, Table
from rich.text import Text

from api.cli.foreign_words import harmless, harmless_json, harmless_lines, harmless_value
from api.cli.screen import Screen
from api.environment import client_address, client_token
from custody.kernel import cbor

TYPED = {
    "GET /v1/accounts": "`weaklink account list`",
    "GET /v1/alerts": "`weaklink lock alerts`",
    "GET /v1/authority": "`weaklink lock authority`",
    "GET /v1/disputes/": "weaklink dispute show ",
    "GET /v1/disputes": "`weaklink dispute list`",
    "GET /v1/lessons": "`weaklink dispute lessons`",
    "GET /v1/locks/groups": "`weaklink lock groups`",
    "GET /v1/locks": "`weaklink lock list`",
    "GET /v1/stations": "`weaklink station list`",
    "GET /v1/verifiers": "`weaklink verifier list`",
    "POST /v1/sessions and send the token as a bearer token": "`weaklink login ACCOUNT` and set WEAKLINK_TOKEN",
    "/docs shows the form": "`--help` shows what is taken",
}
"""What is typed for what the service, which speaks to programs, tells its callers to ask for."""
CONCISE = "application/concise-problem-details+cbor"

console = Screen()
errors = Screen(stderr=True)
"""Neither reads markup: escaped parts of foreign text can still make a tag together, and `:station:` is an emoji."""


def call(method: str, path: str, **more: Any) -> Any:
    """The JSON answer of the service; prints a problem document and exits with 1 if it refuses.

    Of `params` those that are None are not asked for.
    """
    answer = send(method, path, **more)
    try:
        return answer.json() if answer.content else {}
    except (ValueError, RecursionError):
        return _stranger(answer)


def send(method: str, path: str, **more: Any) -> httpx.Response:
    """The answer of the service; see `call`."""
    headers = {**_session(), **more.pop("headers", {})}
    more = {"timeout": 60, **more}
    if "params" in more:  # without any it keeps what stands in the path
        more["params"] = {name: value for name, value in more["params"].items() if value is not None}
    try:
        answer = httpx.request(method, client_address() + path, headers=headers, **more)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        if isinstance(error, httpx.InvalidURL) and is_address(client_address()):
            fail(f"what was typed cannot be part of an address: {error}", fix="Is it the text of a file?")
        if isinstance(error, UnicodeEncodeError) and is_address(client_address()):
            fail("what was typed is no text that can be sent: it is not UTF-8", fix="Type it in UTF-8.")
        fail(f"{client_address()} does not answer: {error}", fix="Start it with `weaklink serve`, or set WEAKLINK_URL.")
    if answer.is_error:
        _refused(answer)
    return answer


def _session() -> dict[str, str]:
    """The header of whoever is signed in."""
    token = client_token()
    if not (token.isascii() and token.isprintable()):
        fail("WEAKLINK_TOKEN holds what no token holds", fix="Sign in with `weaklink login ACCOUNT` and set it anew.")
    return {"Authorization": f"Bearer {token}"} if token else {}


def content(kind: str, method: str, path: str, **more: Any) -> bytes:
    """The bytes of an answer that is of this media type; see `call`."""
    answer = send(method, path, **more)
    if answer.headers.get("content-type", "").partition(";")[0] != kind:
        _stranger(answer)
    return answer.content


def is_address(text: str) -> bool:
    """Whether a service could be at it."""
    try:
        return bool(httpx.URL(text).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


def named(name: str) -> str:
    """What was typed as one part of a path: a name with `?` or `/` asks for no other page than its own."""
    if name in {"", ".", ".."} or "/" in name:
        fail(f"{name!r} is no name", fix="Give the name as a list of the service shows it.")
    return quote(name, safe="", errors="replace")


def show(value: Any, *, as_json: bool, human: Callable[[Any], None] | None = None) -> None:
    """Print a value as JSON, or for people; `human` is given it with all words made harmless."""
    if as_json:
        print(harmless_json(value))
    elif human is not None:
        human(harmless_value(value))
    else:
        console.print(JSONHighlighter()(harmless_json(value, indent=2)))


def folded(*columns: str | Column, title: str | None = None) -> Table:
    """A table whose cells go on in the next line where the screen is narrow: a name that is cut cannot be typed."""
    return Table(*(Column(each, overflow="fold") if isinstance(each, str) else each for each in columns), title=title)


def tell_next(value: dict[str, Any]) -> None:
    """Say how the next page of a list is asked for, if there is one."""
    if value["next"]:
        console.print(f"more: --cursor {value['next']}", highlight=False)


def tell_text(text: str) -> None:
    """Print a text that a file may be made of: to a screen harmless, to a file or a pipe as it is."""
    print(harmless_lines(text) if sys.stdout.isatty() else text, end="")


def fail(what: str, *, fix: str = "", code: int = 1) -> NoReturn:
    """Say what is wrong and what to do, a line each, and exit with 1 or another code."""
    tell_trouble(what, fix)
    raise typer.Exit(code)


def tell_trouble(what: str, fix: str) -> None:
    """Say on stderr what is wrong and what to do, a line each; the command goes on."""
    errors.print(Text.assemble(("error", "bold red"), f" {harmless(what)}"))
    if fix:
        errors.print(f"      {harmless(fix)}", highlight=False)


def _refused(answer: httpx.Response) -> None:
    if answer.headers.get("content-type", "") == CONCISE:
        told = cbor.decode(answer.content)
        fail(f"{told[-1]}: {told[-2]}")
    try:
        problem = answer.json()
        detail, fix = problem["detail"], problem["fix"]
    except (ValueError, KeyError, TypeError, RecursionError):
        _stranger(answer)
    if answer.status_code != httpx.codes.UNAUTHORIZED and not sys.stdout.isatty():
        print(harmless_json(problem), file=sys.stderr)
    for asked, typed in TYPED.items():
        fix = fix.replace(asked, typed)
    fail(detail, fix=fix)


def _stranger(answer: httpx.Response) -> Any:
    what = f"HTTP {answer.status_code}, {answer.headers.get('content-type', 'no type')}"
    fail(f"{client_address()} is not weaklink: it answers {what}", fix="Set WEAKLINK_URL to the service's address.")
