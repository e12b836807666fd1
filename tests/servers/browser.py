"""Starts a headless Chromium for the tests and checks pages for accessibility.

The browser is the first on the PATH, else the one that `install_browser.py` put into `.tools/browser`, which brings its
own libraries and one font. A page may load only from this machine: every other request is refused and remembered, and
the test that made it fails. axe-core (https://github.com/dequelabs/axe-core) runs inside the page through the debugger,
so a page's own Content-Security-Policy stays in force.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

LONG_MS = 30_000
NAMED = "console.test"
"""A name of this machine: over plain http at a name a browser sends no Sec-Fetch-Site, as it does at 127.0.0.1."""
TOOLS = Path(__file__).resolve().parent.parent.parent / ".tools" / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # tests and CI run as root, where Chromium's sandbox refuses to start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {NAMED} 127.0.0.1",
)
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class BrowserMissing(Exception):
    """No browser, or no axe-core, on this machine; the sentence says where it was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A browser to start: its executable and what its environment needs besides ours."""

    executable: Path
    environment: dict[str, str]


def find_browser() -> Program:
    """Return the browser to drive."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Program(executable=Path(found), environment={})
    unpacked = TOOLS / "unpacked"
    if (TOOLS / "stamp").exists() and (unpacked / "chromium").exists():
        libraries = str(unpacked / "al2023" / "lib")
        return Program(
            executable=unpacked / "chromium",
            environment={"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(font_configuration(unpacked))},
        )
    raise BrowserMissing(
        f"no browser: none of {', '.join(NAMES)} is on the PATH and .tools/browser is empty (python3 dev.py setup)"
    )


def font_configuration(unpacked: Path) -> Path:
    """Write a configuration that knows the browser's own font first and this machine's fonts after it."""
    target = unpacked / "fonts.conf"
    text = (
        '<?xml version="1.0"?>\n<fontconfig>\n'
        f"  <dir>{unpacked / 'fonts' / 'fonts'}</dir>\n  <dir>/usr/share/fonts</dir>\n"
        f"  <cachedir>{unpacked / 'font-cache'}</cachedir>\n</fontconfig>\n"
    )
    if not target.exists() or target.read_text() != text:
        part = target.with_suffix(f".{os.getpid()}")
        part.write_text(text)
        part.replace(target)
    return target


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Lend a running headless browser; what a page is expected to show may take its time on a busy machine."""
    program = find_browser()
    expect.set_options(timeout=LONG_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright, program)
        try:
            yield browser
        finally:
            browser.close()


def launch(playwright: Playwright, program: Program) -> Browser:
    """Start the browser."""
    environment = {**os.environ, **program.environment}
    return playwright.chromium.launch(
        executable_path=program.executable, headless=True, args=list(FLAGS), env=dict(environment)
    )


def is_local(url: str) -> bool:
    """Tell whether a page may load this address."""
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob", "about"} or parts.hostname in {"127.0.0.1", NAMED}


@contextmanager
def local_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """Lend a page in a fresh context that reaches only 127.0.0.1; asking for anything else fails the test."""
    context = browser.new_context(**options)
    outside: list[str] = []

    def judge(route: Route) -> None:
        if is_local(route.request.url):
            route.fallback()
        else:
            outside.append(route.request.url)
            route.abort("addressunreachable")

    context.route("**/*", judge)
    context.set_default_timeout(LONG_MS)
    try:
        yield context.new_page()
    finally:
        context.close()
    assert not outside, f"the page asked for addresses outside this machine: {outside}"


def axe_checker() -> Callable[[Page], list[str]]:
    """Return a function that lists a page's accessibility violations, one sentence each; an empty list is a pass."""
    script = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        raise BrowserMissing("no axe-core: .tools/browser is empty (python3 dev.py setup installs it with npm)")
    source = script.read_text(encoding="utf-8")

    def check(page: Page) -> list[str]:
        page.evaluate(source)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        return [
            f"{found['id']} ({found['impact']}): {found['help']}: {' '.join(map(str, node['target']))}"
            for found in result["violations"]
            for node in found["nodes"]
        ]

    return check
