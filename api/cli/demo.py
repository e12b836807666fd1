"""`weaklink demo`: the whole story on a private instance, checked step by step."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli.instance import Instance, ended_in_order
from api.cli.screen import Screen
from api.cli.verify import check_file
from api.compose import free_port
from custody.investigation.percent import percent
from custody.kernel.errors import Trouble
from simulators.client import ServiceClient
from simulators.story import STEPS, Broken, Story, resolve


def demo(
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    thief_at: Annotated[
        str, typer.Option(help="Where the thief works, such as hub-1/hub_sort or hub-2.")
    ] = "hub-1/hub_sort",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service up for a look at the console.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """Play the whole story and check how it ends. Example: `weaklink demo --seed 7 --thief-at depot-2/depot --json`."""
    console = Screen(stderr=as_json, markup=True)
    folder = Path(tempfile.mkdtemp(prefix="weaklink-demo-"))
    instance = Instance(folder / "data", port=free_port())
    steps: list[dict[str, Any]] = []
    bars = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True)
    with ended_in_order():
        try:
            with bars:
                story = _Run(steps, console, bars).play(instance, folder, seed=seed, thief_at=thief_at)
            ok = all(step["ok"] for step in steps) and len(steps) == len(STEPS) + 2
            result = _result(steps, story, ok=ok)
            if keep and ok:
                _keep(console, instance)
        except (KeyboardInterrupt, BrokenPipeError):
            instance.stop()
            shutil.rmtree(folder)
            raise
        finally:
            instance.stop()
    if not as_json:
        _tell(console, result)
    else:
        print(json.dumps(result))
    if not ok:
        raise typer.Exit(1)


class _Run:
    """Runs steps one after the other and remembers how each went; after a failure nothing more is run."""

    def __init__(self, steps: list[dict[str, Any]], console: Screen, bars: Progress) -> None:
        self._steps = steps
        self._console = console
        self._bars = bars
        self._task = bars.add_task("", total=1, visible=False)

    def play(self, instance: Instance, folder: Path, *, seed: int, thief_at: str) -> Story:
        """The whole story."""
        story = Story(
            client=ServiceClient(instance.address),
            accounts=instance.accounts,
            folder=folder,
            seed=seed,
            thief_at=thief_at,
            progress=self._progress,
        )
        self._step("a private service starts", lambda: _start(instance, thief_at))
        for name, act in STEPS:
            self._step(name, lambda act=act: act(story))  # type: ignore[misc]  # bound at once
        self._step("anyone verifies the pack offline", lambda: story.verify_pack(_verifies))
        if self._steps and self._steps[-1]["ok"]:
            story.count()
        return story

    def _step(self, name: str, act: Callable[[], Any]) -> None:
        if self._steps and not self._steps[-1]["ok"]:
            return
        began = time.monotonic()
        self._bars.update(self._task, description=name, completed=0, total=1, visible=True)
        trouble = ""
        try:
            act()
        except BrokenPipeError:
            raise
        except (Broken, Trouble, OSError) as error:
            trouble = str(error)
        seconds = time.monotonic() - began
        self._bars.update(self._task, visible=False)
        mark = "[red]no [/]" if trouble else "[green]yes[/]"
        self._console.print(f"{mark} {name}  [dim]{seconds:.1f} s[/]", highlight=False)
        if trouble:
            self._console.print(f"    {trouble}", highlight=False, markup=False)
        self._steps.append({"name": name, "ok": not trouble, "seconds": round(seconds, 3)})

    def _progress(self, what: str, done: int, total: int) -> None:
        self._bars.update(self._task, description=what, completed=done, total=max(total, 1))


def _start(instance: Instance, thief_at: str) -> None:
    resolve(thief_at)
    instance.start()


def _verifies(pack: Path) -> bool:
    return check_file(pack).ok


def _result(steps: list[dict[str, Any]], story: Story, *, ok: bool) -> dict[str, Any]:
    figures = story.figures
    return {
        "ok": ok,
        "steps": steps,
        "scans": figures.get("scans"),
        "entries": figures.get("entries"),
        "lock": {
            "decided_to_acknowledged_ms": figures.get("decided_to_acknowledged_ms"),
            "released_ms": figures.get("released_ms"),
        },
        "weak_link": figures.get("weak_link"),
        "pack": {
            "path": None if story.pack is None else str(story.pack),
            "verified": figures.get("verified", False),
            "tamper_refused": figures.get("tamper_refused", False),
        },
    }


def _tell(console: Screen, result: dict[str, Any]) -> None:
    link, lock = result["weak_link"] or {}, result["lock"]
    if not result["ok"]:
        console.print("[bold red]The story did not end as it should.[/]")
        return
    console.print(
        f"{result['scans']} scans, {result['entries']} log entries. The thief was at {link['true']}; "
        f"the chain names {link['named']} with {percent(link['probability'])}. "
        f"Locked {lock['decided_to_acknowledged_ms']} ms after the decision, "
        f"released {lock['released_ms']} ms after the customer found it. Pack: {result['pack']['path']}",
        highlight=False,
    )


def _keep(console: Screen, instance: Instance) -> None:
    console.print(f"The console is at {instance.address}. Press Ctrl-C to stop.", highlight=False)
    for name, password in instance.accounts.items():
        console.print(f"  {name:16} {password}", highlight=False)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
