"""Grids: read strictly, run through submitit here, handed to Slurm by the same call."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import submitit
import yaml

from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.methods import load_config
from rsclib.methods.grid import Run, read_grid, run_grid, train_command

GRIDS = Path(__file__).parents[1] / "benchmarks" / "grids"
# Stands in for a training: notes the seed it was given, writes a model, fails for the row "bad".
WORK = """
import sys, pathlib, yaml
folder = pathlib.Path(sys.argv[1])
seed = yaml.safe_load((folder / "config.yaml").read_text())["seed"]
(folder / "calls").open("a").write(f"{seed}\\n")
if "bad" in str(folder):
    sys.exit("no luck")
(folder / "model.safetensors").write_text("model")
"""


def _work(run: Run, out: Path, devices: int, nodes: int) -> list[str]:
    return [sys.executable, "-c", WORK, str(out / run.folder)]


def _file(folder: Path, text: str) -> Path:
    (folder / "grid.yaml").write_text(text)
    return folder / "grid.yaml"


def test_rows_are_what_differs_from_the_base() -> None:
    runs = read_grid(GRIDS / "room.yaml")
    by_row = {r.row: r.config for r in runs}
    assert list(by_row) == ["easyBa", "A-Ba", "B-Ba", "C-Ba", "C-oracle"]
    edu = load_config("edu")
    for config in by_row.values():
        assert not config.learn_alpha and config.loss.ss == config.loss.feat == "none"
        assert config.loss.betas == edu.loss.betas  # merged, not replaced
        assert config.steps == 600 and config.norm == edu.norm
    assert by_row["C-oracle"].wild_labels == "full" and by_row["C-Ba"].wild_labels == "2d"
    assert by_row["B-Ba"].jitter == 1 and by_row["A-Ba"].jitter == 0


def test_local_jobs_run_are_resumed_and_report_failures(tmp_path: Path) -> None:
    path = _file(tmp_path, "base: ci\nseeds: [3, 4]\nrows: {good: {lr: 0.5}, bad: {}}\n")
    runs, out = read_grid(path), tmp_path / "out"
    failed = run_grid(runs, out, at_once=2, command=_work)
    assert len(failed) == 2 and all("bad" in line and "log:" in line for line in failed)
    for seed in (3, 4):
        folder = out / "good" / f"seed{seed}"
        assert (folder / "calls").read_text() == f"{seed}\n"
        config = load_config(str(folder / "config.yaml"))
        assert config == next(r.config for r in runs if r.folder == folder.relative_to(out))
        assert config.lr == 0.5
    run_grid(runs, out, command=_work)  # again: only what failed
    assert (out / "good" / "seed3" / "calls").read_text() == "3\n"
    assert (out / "bad" / "seed3" / "calls").read_text() == "3\n3\n"


@pytest.mark.parametrize(
    ("set_by_user", "at_once", "wanted"),
    [(None, 2, str(max(1, (os.cpu_count() or 1) // 2))), (None, 1, "None"), ("3", 2, "3")],
)
def test_runs_side_by_side_share_the_cores(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    set_by_user: str | None,
    at_once: int,
    wanted: str,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if set_by_user:
        monkeypatch.setenv("OMP_NUM_THREADS", set_by_user)

    def tell(run: Run, out: Path, devices: int, nodes: int) -> list[str]:
        code = f"import os; open({str(tmp_path / run.row)!r}, 'w').write(str(os.environ.get('OMP_NUM_THREADS')))"
        return [sys.executable, "-c", code]

    runs = read_grid(_file(tmp_path, "base: ci\nrows: {a: {}, b: {}}\n"))
    assert run_grid(runs, tmp_path / "out", at_once=at_once, command=tell) == []
    assert [(tmp_path / row).read_text() for row in "ab"] == [wanted, wanted]


# Stands in for a training that is asked to stop: it notes the signal, as it would save.
PATIENT = """
import pathlib, signal, sys, time
folder, got = pathlib.Path(sys.argv[1]), []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda n, frame: got.append(n))
(folder / "up").touch()
while not got:
    time.sleep(0.02)
(folder / "saved").write_text(str(got))
sys.exit(143)
"""
STOPPED = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
from rsclib import cli
from rsclib.methods import grid
work = lambda run, out, *_: [sys.executable, "-c", {PATIENT!r}, str(out / run.folder)]
real = grid.run_grid
grid.run_grid = lambda *given: real(*given, command=work)
sys.exit(cli.main(["grid", sys.argv[1], "--out", sys.argv[2], "--at-once", "2"]))
"""


@pytest.mark.parametrize("how", ["ctrl-c", "terminated"])
def test_a_stopped_grid_lets_its_trainings_save(tmp_path: Path, how: str) -> None:
    """Each is asked once, by the grid: Ctrl-C in the terminal would else ask it twice."""
    path, out = _file(tmp_path, "base: ci\nrows: {a: {}, b: {}}\n"), tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(path), str(out)], start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(GRIDS.parents[1])}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(list(out.rglob("up"))) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    error = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if how == "ctrl-c" else 143)
    assert error == "rsc: stopped; the same command goes on from what was saved\n"
    assert [file.read_text() for file in out.rglob("saved")] == [f"[{int(signal.SIGTERM)}]"] * 2


def test_slurm_is_the_same_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "sbatch").write_text(
        f"#!/bin/sh\ncat $1 > {tmp_path}/script\necho Submitted batch job 77\n"
    )
    (bin_folder / "srun").write_text("#!/bin/sh\nexit 1\n")
    # The job is over at once, without a result: reported as a failure.
    (bin_folder / "sacct").write_text("#!/bin/sh\necho 'JobID|State'; echo '77|FAILED'\n")
    (bin_folder / "scancel").write_text("#!/bin/sh\n")
    for file in bin_folder.iterdir():
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    # submitit waits so long for the missing result of each of the eight tasks.
    monkeypatch.setattr(submitit.SlurmJob, "_results_timeout_s", 0.1)
    runs = read_grid(_file(tmp_path, "base: ci\nrows: {one: {}}\n"))
    failed = run_grid(
        runs, tmp_path / "out", "slurm", devices=4, nodes=2, options={"slurm_partition": "gpu"}
    )
    assert len(failed) == 1
    script = (tmp_path / "script").read_text()
    for line in ("--nodes=2", "--ntasks-per-node=4", "--partition=gpu", "--job-name=rsc-grid"):
        assert re.search(rf"^#SBATCH {re.escape(line)}$", script, re.M), line
    words = train_command(runs[0], tmp_path / "out", 4, 2)
    assert words[1:4] == ["-m", "rsclib.cli", "train"] and words[-4:] == [
        "--devices", "4", "--nodes", "2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows: {a: {}}\nbass: edu", "unknown key 'bass'"),
        ("base: edu", "at least one row"),
        ("rows: {}", "at least one row"),
        ("rows: {a: {lerning: 1}}", "unknown key 'lerning'"),
        ("rows: {a: 5}", "keys and values"),
        ("rows: {../a: {}}", "folder's"),
        ("rows: {..: {}}", "folder's"),
        ("rows: {a: {}}\nseeds: [a]", "integers"),
        ("rows: {a: {}}\nseeds: [1, 1]", "twice"),
        ("rows: {a: {}}\nbase: nope", "no preset"),
        ("- a", "keys and values"),
    ],
)
def test_bad_grids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert main(["grid", str(_file(tmp_path, text)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error
    assert not (tmp_path / "out").exists()


def test_senseless_requests(tmp_path: Path) -> None:
    with pytest.raises(RscError, match="local or slurm"):
        run_grid([], tmp_path, "cloud")
    with pytest.raises(RscError, match="at least 1"):
        run_grid([], tmp_path, at_once=0)
    assert yaml.safe_load((GRIDS / "room.yaml").read_text())["base"] == "edu"
