"""Trainings and builds that are killed, again and again, at random moments."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rsclib.files.atomic import sha256
from rsclib.openbench import build as B
from rsclib.runs.folder import read_log
from rsclib.runs.states import load_training_state
from tests.workers import forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
# Steps of writing a file (make, write, mode, sync, rename, sync the folder): a state has two writes.
STATE_AND_LOG = 7 + 6
# A hundred are for those who have the time: pytest -m slow tests/test_faults_kill.py
MANY = pytest.mark.parametrize("kills", [25, pytest.param(100, marks=pytest.mark.slow)])
LITTER = re.compile(r"\..+-[a-z0-9_]{8}(\..+)?")


def litter(folder: Path) -> list[str]:
    """Temporaries of killed writers."""
    return [p.name for p in folder.rglob("*") if LITTER.fullmatch(p.name)]


def kill_at_every_step(
    server: forker.Server, start: Path, whole: Callable[[Path], None], work: Path
) -> int:
    """Go on from a copy of ``start``, killed at the first, second, ... step of writing files, until
    none is left; after each kill the job is finished and is ``whole``. Returns the kills."""
    for step in itertools.count(1):
        folder = work / f"step{step}"
        shutil.copytree(start, folder)
        status = server.run(folder, kill_at=step)
        if status == 0:
            whole(folder)
            return step - 1
        assert status == -signal.SIGKILL, f"at step {step}"
        assert server.run(folder) == 0, f"does not go on after a kill at step {step}"
        whole(folder)
        shutil.rmtree(folder)
    raise AssertionError


@MANY
def test_a_training_survives_being_killed(tmp_path: Path, kills: int) -> None:
    steps: dict[Path, list[int]] = {}

    def check(folder: Path) -> None:
        seen = steps.setdefault(folder, [0])
        if (folder / "state.pt").exists():
            seen.append(load_training_state(folder / "state.pt")["step"])  # or it raises
        assert seen[-1] >= max(seen), f"{folder.name} went back: {seen}"

    def finished(folder: Path) -> None:
        got = load_file(folder / "model.safetensors")
        unlike = [k for k, v in wanted.items() if not torch.equal(v, got[k])]
        assert got.keys() == wanted.keys()
        assert not unlike, f"{len(unlike)} of {len(wanted)} tensors differ, e.g. {unlike[0]}"
        state = load_training_state(folder / "state.pt")
        log = read_log(folder)
        assert log == state["log"] and log[-1]["step"] == state["step"] == 16
        assert litter(folder) == []

    with forker.server("train") as server:
        started = time.monotonic()
        assert server.run(tmp_path / "whole") == 0
        longest = 0.9 * (time.monotonic() - started)  # so that a run takes several starts
        wanted = load_file(tmp_path / "whole" / "model.safetensors")
        runs = forker.until_killed(server, kills, 0, tmp_path, longest, check, finished)
        # Random moments seldom meet the end, so once more from the last step but one.
        assert server.run(tmp_path / "last", kill_at=15 * STATE_AND_LOG + 1) == -signal.SIGKILL
        assert load_training_state(tmp_path / "last" / "state.pt")["step"] == 15
        more = kill_at_every_step(server, tmp_path / "last", finished, tmp_path)
    assert more == STATE_AND_LOG + 2 * 6, f"killed at {more} steps"
    found = sum(len(seen) - 1 for seen in steps.values())
    went_on = sum(len(set(seen)) > 2 for seen in steps.values())
    print(f"{kills} kills, {runs} runs, {found} states read, {len(wanted)} tensors bitwise equal")
    assert went_on >= 1, f"of {runs} runs with {kills} kills none went on from a state"


@MANY
def test_a_build_survives_being_killed(tmp_path: Path, kills: int) -> None:
    done: dict[Path, Counter[str]] = {}

    def calls(folder: Path) -> Counter[str]:
        path = folder / "calls.txt"
        return Counter(path.read_text().split()) if path.exists() else Counter()

    def check(folder: Path) -> None:
        """What the manifest names is whole and is not built again."""
        for path in folder.glob("test-lab-*/*.npz"):
            if not path.name.startswith("."):
                assert sha256(path) == wanted[path.stem], f"{path.name} is half or other"
        for part in folder.glob("test-lab-*/"):
            now = calls(folder)
            for name, times in done.get(folder, Counter()).items():
                assert now[name] == times, f"shard {name} was built again"
            done[folder] = Counter({str(int(n)): now[str(int(n))] for n in B._read_manifest(part)})

    def finished(folder: Path) -> None:
        check(folder)
        (part,) = folder.glob("test-lab-*/")
        assert (part / "manifest.json").read_bytes() == manifest
        names = sorted(p.name for p in part.iterdir())
        assert names == [*(f"{i:05d}.npz" for i in range(8)), "manifest.json"]
        assert litter(folder) == []

    with forker.server("build") as server:
        started = time.monotonic()
        assert server.run(tmp_path / "whole") == 0
        longest = (time.monotonic() - started) / 3  # so that a run takes several starts
        (whole,) = (tmp_path / "whole").glob("test-lab-*/")
        wanted, manifest = B._read_manifest(whole), (whole / "manifest.json").read_bytes()
        assert len(wanted) == forker.COUNT // forker.SHARD == 8
        runs = forker.until_killed(server, kills, 1, tmp_path, longest, check, finished)
        total = sum(map(len, done.values()))
        # Random moments seldom meet a write, so at every step of the last shard too.
        left = {name: digest for name, digest in wanted.items() if name != "00007"}
        (whole / "00007.npz").unlink()
        (whole / "manifest.json").write_text(B._text(left))
        more = kill_at_every_step(server, tmp_path / "whole", finished, tmp_path)
    assert more == 3 * 6, f"killed at {more} steps"  # of the holder, a shard and the manifest
    print(f"{kills} kills, {runs} builds of 8 shards, each bitwise equal")
    assert total == 8 * runs, f"{total} shards in {runs} builds after {kills} kills"


def test_two_builds_of_one_part_at_once(tmp_path: Path) -> None:
    """Both succeed, and every shard was built once."""
    program = (
        "import sys; from pathlib import Path; from tests.workers import forker; "
        "job = forker._build(); print('ready', flush=True); sys.stdin.readline(); "
        "job(Path(sys.argv[1]))"
    )
    root = str(forker.ROOT)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], cwd=root, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root, "TQDM_DISABLE": "1"},
        )
        for _ in range(2)
    ]  # fmt: skip
    for one in both:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in both:
        one.communicate()
    assert [one.returncode for one in both] == [0, 0]
    calls = Counter((tmp_path / "calls.txt").read_text().split())
    assert calls == Counter(map(str, range(8))), f"8 shards, built {calls.total()} times"
    (part,) = tmp_path.glob("test-lab-*/")
    for name, digest in B._read_manifest(part).items():
        assert sha256(part / f"{name}.npz") == digest
        with np.load(part / f"{name}.npz") as file:
            assert len(file["images"]) == forker.SHARD
