"""Imports go down only: the contracts of import-linter in pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.checkout import ROOT


def test_imports_go_down_only() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
