"""dev.py: it explains itself, installs once, repairs what was interrupted and says what to do when it cannot."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.checkout import ROOT

VERBS = ["run", "demo", "test", "bench", "lint", "setup", "lock"]


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dev.py as a person does."""
    command = [sys.executable, str(ROOT / "dev.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load dev.py over an empty checkout."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    for kind in ("run", "dev"):
        (tmp_path / "requirements" / f"{kind}.txt").write_text(f"{kind}==1\n")
    venv = tmp_path / ".venv"
    places = {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "UV": venv / "bin" / "uv",
        "TOOLS": tmp_path / ".tools",
        "STAMP": venv / "weaklink-stamp",
        "UNFINISHED": venv / "weaklink-unfinished",
        "BYTECODE": tmp_path / ".tools" / "bytecode",
    }
    for name, value in places.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "install_packages", lambda _: None)
    return module


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    shown = start(verb, "--help")
    assert shown.returncode == 0
    assert f"python3 dev.py {verb}" in shown.stdout


def test_help_lists_every_verb() -> None:
    shown = start("--help")
    assert shown.returncode == 0
    assert [verb for verb in VERBS if f"python3 dev.py {verb} " not in shown.stdout] == []


def test_an_unknown_verb_is_refused_and_the_known_ones_are_named() -> None:
    shown = start("deploy")
    assert shown.returncode == 2
    assert "deploy" in shown.stderr
    assert [verb for verb in VERBS if verb not in shown.stderr] == []


def test_a_development_install_serves_run_but_not_the_other_way_round(dev: ModuleType) -> None:
    dev.install("dev")
    assert dev.is_installed("run")
    dev.install("run")
    assert dev.is_installed("dev")


def test_a_run_install_does_not_serve_tests(dev: ModuleType) -> None:
    dev.install("run")
    assert dev.is_installed("run")
    assert not dev.is_installed("dev")


def test_changed_requirements_are_installed_again(dev: ModuleType) -> None:
    dev.install("run")
    (dev.ROOT / "requirements" / "run.txt").write_text("run==2\n")
    assert not dev.is_installed("run")


def test_an_interrupted_install_is_made_again_from_the_beginning(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Path) -> None:
        (dev.VENV / "half-written").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dev, "install_packages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dev.install("run")
    assert not dev.is_installed("run")
    dev.install("run")
    assert dev.is_installed("run")
    assert not (dev.VENV / "half-written").exists()


def test_a_checkout_that_was_moved_gets_a_new_environment(dev: ModuleType) -> None:
    dev.install("run")
    script = dev.VENV / "bin" / "weaklink"
    script.write_text(script.read_text().replace(str(dev.ROOT), "elsewhere"))
    dev.STAMP.unlink()
    (dev.VENV / "old").touch()
    dev.install("run")
    assert not (dev.VENV / "old").exists()
    assert f"'{dev.PYTHON}'" in script.read_text()


def test_the_checkout_is_importable_in_its_environment_from_anywhere(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    dev.install("run")
    (dev.ROOT / "custody_probe.py").write_text("print('found')\n")
    shown = subprocess.run(
        [dev.PYTHON, "-P", "-m", "custody_probe"], cwd=tmp_path.parent, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "found\n"


def test_the_command_calls_the_command_line_with_every_argument(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    dev.install("run")
    (dev.ROOT / "api" / "cli").mkdir(parents=True)
    (dev.ROOT / "api" / "cli" / "main.py").write_text(
        "import sys\n\n\ndef main():\n    print(sys.argv)\n    return 7\n"
    )
    command = [dev.VENV / "bin" / "weaklink", "verify", "a b.zip"]
    shown = subprocess.run(command, cwd=tmp_path.parent, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (7, "['weaklink', 'verify', 'a b.zip']\n")


def test_bytecode_is_kept_beside_the_environment_and_not_among_the_sources(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    dev.install("run")
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "custody_probe.py").write_text("")
    (sources / "start.py").write_text("import custody_probe\n")
    called: dict[str, object] = {}
    monkeypatch.setattr(dev.os, "execve", lambda _, command, env: called.update(command=command, env=env))
    dev.hand_over([str(sources / "start.py")])
    subprocess.run(called["command"], env=called["env"], check=True)
    assert [each.name for each in sources.iterdir() if each.suffix != ".py"] == []
    assert [each.name.split(".")[0] for each in dev.BYTECODE.rglob("custody_probe*")] == ["custody_probe"]


def test_pips_configuration_reaches_uv(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        ":env:.index-url='https://env.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "global.extra-index-url='\\nhttps://one.example\\nhttps://two.example'\n"
        "install.find-links='a b'\n"
        "global.cert='ca.pem'\n"
    )
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    handed = dev.uv_environment([sys.executable, "-c", f"print({listed!r})"])
    assert handed["UV_DEFAULT_INDEX"] == "https://env.example/simple"
    assert handed["UV_INDEX"] == "https://one.example https://two.example"
    assert handed["UV_FIND_LINKS"] == "a,b"
    assert handed["SSL_CERT_FILE"] == "ca.pem"


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("error: dns error: failed to lookup address information", "could not be reached"),
        ("Failed to establish a new connection: [Errno -3]", "could not be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. Expected hash", "Do not go on"),
        ("error: Hash mismatch for `cbor2`: expected hash", "Do not go on"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("something new", "Run the same command again"),
    ],
)
def test_a_failed_step_says_what_to_do(dev: ModuleType, output: str, hint: str) -> None:
    with pytest.raises(dev.SetupError) as caught:
        dev.step("packages", [sys.executable, "-c", f"import sys; sys.exit({output!r})"])
    assert output in str(caught.value)
    assert hint in str(caught.value)
