"""The house: short modules, imports that go one way, evaluation without training code."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rsclib.train import train

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "rsclib").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= 300, f"{path.name} has {lines} lines: split it along its seam"
    assert text.startswith('"""'), "its first line says what it is"


def test_every_wing_is_installed() -> None:
    """Also where the project is not installed in editable mode."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {str(p.parent.relative_to(ROOT)).replace("/", ".") for p in MODULES if p.name == "__init__.py"}  # fmt: skip
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_the_loop_is_short() -> None:
    """A student reads it in one go, docstring and all."""
    assert len(inspect.getsource(train).splitlines()) <= 90


def test_imports_go_one_way() -> None:
    words = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_evaluation_loads_no_training_code() -> None:
    program = "import sys, rsclib.evaluate; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "rsclib.evaluate" in loaded and "torch" in loaded
    heavy = re.compile(r"lightning|tensorboard|submitit|rsclib\.(train|methods|data|runs\.launch)")
    assert not [name for name in loaded if heavy.match(name)]


@pytest.mark.parametrize("number", range(1, 14))
def test_every_equation_that_is_implemented_can_be_found(number: int) -> None:
    """grep "Eq. N" leads to the line that computes it."""
    computed = re.compile(rf"\bEq\. {number}\b|Eq\. (\d+) (to|and) (\d+)")
    found = []
    for path in MODULES:
        for match in computed.finditer(path.read_text(encoding="utf-8")):
            first, last = match[1], match[3]
            if first is None or int(first) <= number <= int(last):
                found.append(path.name)
    assert found, f"no module mentions Eq. {number}"
