"""Every reader of the product against every hostile file: refused or read, and nothing runs."""

from __future__ import annotations

import collections
import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from rsclib.checkpoints import load_model, save_model
from rsclib.errors import RscError
from rsclib.foreign import load_official
from rsclib.network import RSCNet
from rsclib.runs import states
from rsclib.runs.states import load_training_state
from tests.attacks import payloads
from tests.toys import TINY

ROOT = Path(__file__).parents[2]
READERS, FILES = 25, 300
# These only say what a file holds; whether it is of use is for whoever asked to find out.
LENIENT = {"load_training_state", "read_header", "read_npz", "read_npy", "_read_manifest"}
LENIENT |= {"read_pickle", "read_joblib"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """(file, reader, outcome) of all pairs, read in one process with limited memory."""
    folder = tmp_path_factory.mktemp("corpus")
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.read_all", str(folder)],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    left = {p.name for p in folder.iterdir()} - {"honest.safetensors", "SMPL_NEUTRAL.npz", "coco"}
    assert not left - {"manifest.json"}, "a payload ran, or a reader wrote something"
    assert not (folder.parent / "escaped.npy").exists()
    return [tuple(row) for row in json.loads(done.stdout)]


def test_counts(found: list[tuple[str, str, str]]) -> None:
    files = {name for name, _, _ in found}
    assert len(files) >= FILES and len({kind for _, kind, _ in found}) == READERS
    assert len(found) == len(files) * READERS
    kinds = collections.Counter(name.partition(":")[0] for name in files)
    assert kinds["pickle"] >= 100 and min(kinds.values()) >= 10


def test_only_rsc_errors(found: list[tuple[str, str, str]]) -> None:
    wrong = [row for row in found if row[2] not in ("read", "refused")]
    assert not wrong, wrong[:3]


def test_code_is_refused_by_all(found: list[tuple[str, str, str]]) -> None:
    assert {outcome for name, _, outcome in found if name.startswith("pickle: ")} == {"refused"}


def test_what_is_read_is_harmless(found: list[tuple[str, str, str]]) -> None:
    """A strict reader takes none of it, but an empty file of settings means the defaults."""
    read = {(name, kind) for name, kind, outcome in found if outcome == "read"}
    strict = {(name, kind) for name, kind in read if kind not in LENIENT}
    assert {kind for _, kind in strict} == {"load_config"}
    assert all("empty" in name or "0/10" in name or "null" in name for name, _ in strict)


@pytest.mark.parametrize("protocol", range(6))
def test_the_payloads_work(tmp_path: Path, protocol: int) -> None:
    """Python's own reader runs them: the tests above can fail."""
    marker = tmp_path / "marker"
    pickle.loads(payloads.code(marker)[f"open, protocol {protocol}"])
    assert marker.exists()


def test_a_model_cut_anywhere(tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", RSCNet(TINY), {})
    content, count = (tmp_path / "m.safetensors").read_bytes(), 0
    for length in [*range(0, 12_000, 10), *range(12_000, len(content) - 1, 1000), len(content) - 1]:
        (tmp_path / "cut.safetensors").write_bytes(content[:length])
        with pytest.raises(RscError):
            load_model(tmp_path / "cut.safetensors")
        count += 1
    assert count > 1200


def _sealed(content: bytes) -> bytes:
    """A hash detects damage, not malice: whoever makes the file can make its hash."""
    return content + states._SEAL + hashlib.sha256(content).hexdigest().encode()


@pytest.mark.parametrize("sealed", [True, False])
def test_nobody_is_advised_to_run_a_file(tmp_path: Path, sealed: bool) -> None:
    """torch's own message says how; the user of a foreign checkpoint must not read it here."""
    path, marker = tmp_path / "a.pt", tmp_path / "marker"
    read = load_training_state if sealed else load_official
    for content in payloads.code(marker).values():
        path.write_bytes(_sealed(content) if sealed else content)
        with pytest.raises(RscError, match="Nothing was run") as caught:
            read(path)
        assert "weights_only" not in str(caught.value)
    content = payloads.torch_files(marker)["torch zip os.system"]
    path.write_bytes(_sealed(content) if sealed else content)
    with pytest.raises(RscError, match=r"asks for (os|posix)\.system"):
        read(path)
    assert not marker.exists()
