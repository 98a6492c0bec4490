"""Every reader of a user's files against ten thousand damaged ones: each is read, or refused in a line.

A tiny sound file is spoilt in two ways, by turns: its bytes (cut, flipped, zeroed, inserted), and what
it says (values that are missing, huge, not finite, of another shape or kind). Nothing but an answer or
an :class:`RscError` may come of it. HDF5 and videos, which C code reads, are spoilt in a process of their
own; hostile code and bombs are in ``tests/attacks``.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pytest
import scipy.io
import torch
import yaml
from PIL import Image

from rsclib import exchange, foreign_hmr
from rsclib.checkpoints import load_model, save_model
from rsclib.errors import RscError
from rsclib.files.joblib_files import read_joblib
from rsclib.files.keypoints import read_keypoints
from rsclib.files.npz import read_npy
from rsclib.files.photos import read_image
from rsclib.files.pickles import load_smpl_pickle
from rsclib.files.recognise import whose
from rsclib.foreign import flat, load_spin
from rsclib.methods import load_config
from rsclib.network import NetConfig, RSCNet
from rsclib.readers import amass, coco, lsp, mpi_inf_3dhp, mpii, pw3d, spin_npz, vibe_db
from rsclib.runs.results import read_result, write_result
from rsclib.runs.states import load_training_state, save_training_state
from rsclib.scores import Scores
from rsclib.temporal import TemporalConfig
from rsclib.tracks import read_tracks
from tests import trees
from tests.attacks.images import encode, picture, spoil
from tests.test_network import TINY

TOTAL = 10_000
ODD: list[Any] = [
    None, True, -1, 0, 10**400, 1e308, float("inf"), float("nan"), "", "x", "../../x", [], {}, [[]],
    {"a": 1}, [None], "9" * 50,
]  # fmt: skip


class Reader(NamedTuple):
    """``make(rng)`` gives a sound file's content, or one that says odd things; ``read`` takes its path."""

    name: str
    read: Callable[[Path], Any]
    make: Callable[[np.random.Generator, bool], bytes]


def odd_array(value: np.ndarray, rng: np.random.Generator) -> Any:
    """An array of another shape, kind or content."""
    way = int(rng.integers(9))
    flat_ = value.reshape(-1)
    if way == 0:
        return flat_[:0]
    if way == 1:
        return flat_
    if way == 2:
        return value[None]
    if way == 3 and value.dtype.kind == "f" and value.size:
        out = value.copy()
        out.reshape(-1)[int(rng.integers(out.size))] = rng.choice([np.nan, np.inf, -1e30, 1e30])
        return out
    if way == 4:
        return np.array(["text"] * max(1, len(value) if value.ndim else 1))
    if way == 5:
        return value.astype(np.complex64) if value.dtype.kind in "fiu" else value
    if way == 6:
        return np.array(rng.integers(-5, 5))
    if way == 7 and value.ndim:
        return np.concatenate([value, value])
    return np.zeros(value.shape, np.uint8)


def odd_arrays(arrays: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Arrays of which one or two are odd, or not there."""
    out = dict(arrays)
    for key in rng.choice(list(out), size=int(rng.integers(1, 3))):
        if rng.random() < 0.25:
            out.pop(key, None)
        elif isinstance(out.get(key), np.ndarray):
            out[key] = odd_array(out[key], rng)
        elif key in out:
            out[key] = ODD[int(rng.integers(len(ODD)))]
    return out


def odd_document(value: Any, rng: np.random.Generator) -> Any:
    """JSON-able content with something odd somewhere in it."""
    if rng.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return copy.deepcopy(ODD[int(rng.integers(len(ODD)))])
    out = copy.copy(value)
    places: list[Any] = list(out) if isinstance(out, dict) else list(range(len(out)))
    place = places[int(rng.integers(len(places)))]
    if rng.random() < 0.1:
        del out[place]
    else:
        out[place] = odd_document(out[place], rng)
    return out


def npz(arrays: dict[str, Any]) -> Callable[[np.random.Generator, bool], bytes]:
    def make(rng: np.random.Generator, odd: bool) -> bytes:
        file = io.BytesIO()
        np.savez(file, **(odd_arrays(arrays, rng) if odd else arrays))
        return file.getvalue()

    return make


def mat(arrays: dict[str, Any]) -> Callable[[np.random.Generator, bool], bytes]:
    def make(rng: np.random.Generator, odd: bool) -> bytes:
        file = io.BytesIO()
        scipy.io.savemat(file, odd_arrays(arrays, rng) if odd else arrays)
        return file.getvalue()

    return make


def document(value: Any, write: Callable[[Any], bytes]) -> Any:
    def make(rng: np.random.Generator, odd: bool) -> bytes:
        return write(odd_document(value, rng) if odd else value)

    return make


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def as_pickle(value: Any) -> bytes:
    return pickle.dumps(value, 2)


def dumped(arrays: dict[str, Any]) -> Callable[[np.random.Generator, bool], bytes]:
    def make(rng: np.random.Generator, odd: bool) -> bytes:
        file = io.BytesIO()
        joblib.dump(odd_arrays(arrays, rng) if odd else arrays, file)
        return file.getvalue()

    return make


def torch_file(state: dict[str, Any]) -> Callable[[np.random.Generator, bool], bytes]:
    def make(rng: np.random.Generator, odd: bool) -> bytes:
        out, file = dict(state), io.BytesIO()
        if odd:
            key = list(out)[int(rng.integers(len(out)))]
            choices = [None, 3, "x", torch.zeros(2, 2), torch.full((3,), torch.nan), {}, [], out]
            out[key] = choices[int(rng.integers(len(choices)))]
        torch.save(out, file)
        return file.getvalue()

    return make


def fixed(content: bytes) -> Callable[[np.random.Generator, bool], bytes]:
    return lambda rng, odd: content


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> list[Reader]:
    """All of them with a sound file each."""
    home = tmp_path_factory.mktemp("sound")
    rng = np.random.default_rng(0)
    root = home / "data"
    trees.picture(root / "images/a.jpg")
    names = ["images/a.jpg"] * 3
    labels = trees.spin_arrays(names, gender=np.array(["m", "f", "m"]), has_smpl=np.ones(3),
                               S=np.ones((3, 24, 4)))  # fmt: skip
    vibe = {
        "vid_name": np.array(["a_00_0"] * 3), "img_name": np.array(["imageFiles/a/image_00000.jpg"] * 3),
        "bbox": np.full((3, 4), 50.0), "pose": np.zeros((3, 72)), "shape": np.zeros((3, 10)),
        "joints2D": np.ones((3, 49, 3)),
    }  # fmt: skip
    sequence = trees.sequence("downtown_cafe_00", 2, 1)
    del sequence["v_template_clothed"]
    cells = {k: np.empty((2, 1), object) for k in ("annot2", "annot3")}
    for camera in range(2):
        cells["annot2"][camera, 0] = rng.uniform(10, 2000, (11, 56))
        cells["annot3"][camera, 0] = rng.normal(0, 500, (11, 84))
    people = trees.coco(home)
    trees.mpii(home)
    release = scipy.io.loadmat(home / "mpii" / mpii.LABELS, squeeze_me=False)["RELEASE"]
    motion = {
        "poses": rng.normal(0, 0.3, (70, 156)), "trans": np.zeros((70, 3)),
        "mocap_framerate": np.array(60.0), "gender": np.array("male"), "betas": np.zeros(16),
    }  # fmt: skip
    smpl = {"v_template": np.zeros((5, 3)), "weights": np.zeros((5, 2)), "name": "x"}
    save_model(home / "m.safetensors", RSCNet(TINY), {})
    state = {"step": 3, "seconds": 1.0, "log": [], "config": {}, "net": {"w": torch.ones(2)}}
    save_training_state(home / "s.pt", state)
    Scores("part", np.array(["a", "b"]), {("m", 32, "mpjpe"): np.ones(2)}).save(home / "e.npz")
    about = {k: {} for k in ("config", "git", "versions", "machine")}
    row = {"method": "m", "metric": "mpjpe", "resolution": 32, "value": 80.0}
    more: dict[str, Any] = {"seed": 0, "seconds": 1.0, "images_seen": None, "date": "x"}
    write_result(home / "r.csv", [row], about | more)
    answer = {
        "id": np.array(exchange.ids_of("p", 3)), "size": np.full(3, 32),
        "joints": rng.normal(0, 0.3, (3, 14, 3)) * (np.arange(14) > 3)[:, None],
    }  # fmt: skip
    known = exchange.Manifest("p", 3, "", model=exchange.Info("x"))
    manifest = json.loads(json.dumps(exchange.dataclasses.asdict(known)))
    open_pose = {"people": [{"pose_keypoints_2d": rng.uniform(0, 90, 75).tolist()}]}
    boxes = "person,frame,x,y,w,h\n" + "".join(f"0,{i},1,2,30,60\n" for i in range(3))

    def result(path: Path) -> Any:
        (path.parent / "r.csv").write_bytes((home / "r.csv").read_bytes())
        path.replace(path.parent / "r.json")
        return read_result(path.parent / "r.csv")

    def placed(reader: Callable[[Path], Any], below: str) -> Callable[[Path], Any]:
        """For readers of a data root: the file goes where they look for it."""

        def read(path: Path) -> Any:
            target = path.parent / below
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
            return reader(path.parent)

        return read

    def people_of_coco(path: Path) -> Any:
        trees.picture(path / "coco/train2014/COCO_train2014_000000000009.jpg")
        return coco.read_coco(path)

    def people_of_mpii(path: Path) -> Any:
        trees.picture(path / "mpii/images/000001163.jpg")
        return mpii.read_mpii(path)

    def manifest_of(path: Path) -> Any:
        path.replace(path.parent / exchange.MANIFEST)
        (path.parent / "p.npz").touch()
        return exchange.read_manifest(path.parent / "p.npz")

    def cameras(path: Path) -> Any:
        target = path.parent / "S1" / "Seq1" / "annot.mat"
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        return list(mpi_inf_3dhp._views(target))

    def yaml_file(path: Path) -> Any:
        target = path.with_suffix(".yaml")
        path.replace(target)
        return load_config(str(target))

    picture_file = encode(picture("RGB", 12, 9, rng), "PNG")
    photo = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(photo, "JPEG")
    named = {"fc1.weight": torch.zeros(2), "decpose.weight": torch.zeros(2),
             "layer1.0.conv1.weight": torch.zeros(2)}  # fmt: skip
    hmr = {
        "encoder.layer1.0.conv1.weight": torch.zeros(2),
        "regressor.mean_theta": torch.zeros(1, 85),
    }
    gru = {"encoder.gru.weight_ih_l0": torch.zeros(2), "regressor.fc1.bias": torch.zeros(2)}
    settings = {"batch": 4, "lr": 1e-3, "schedule": [[2, 3]], "loss": {"tau": 0.1}, "init": None}
    csv_rows = list(csv.reader(io.StringIO(boxes)))

    def as_csv(rows: Any) -> bytes:
        if not isinstance(rows, list):
            return str(rows).encode()
        return "\n".join(
            ",".join(map(str, r if isinstance(r, list) else [r])) for r in rows
        ).encode()

    return [
        Reader("spin npz", lambda p: spin_npz.read_spin_npz(p, root).labels(), npz(labels)),
        Reader("vibe db", lambda p: vibe_db.read_vibe_people(p, root), dumped(vibe)),
        Reader("joblib", read_joblib, dumped(vibe)),
        Reader("3dpw", pw3d._people_of, document(sequence, as_pickle)),
        Reader("3dhp", cameras, mat(cells)),
        Reader("lsp", lambda p: lsp._joints(p, (3, 14, -1)), mat({"joints": np.ones((3, 14, 5))})),
        Reader("coco", placed(people_of_coco, "coco/annotations/person_keypoints_train2014.json"),
               document(people, as_json)),
        Reader("mpii", placed(people_of_mpii, f"mpii/{mpii.LABELS}"), mat({"RELEASE": release})),
        Reader("amass", lambda p: amass.read_motion(p, "x"), npz(motion)),
        Reader("smpl pickle", load_smpl_pickle, document(smpl, as_pickle)),
        Reader("npy", read_npy, fixed(_npy())),
        Reader("png", read_image, fixed(picture_file)),
        Reader("jpeg", read_image, fixed(photo.getvalue())),
        Reader("openpose", read_keypoints, document(open_pose, as_json)),
        Reader("coco points", read_keypoints, document(people, as_json)),
        Reader("tracks", read_tracks, document(csv_rows, as_csv)),
        Reader("torch", flat, torch_file(named)),
        Reader("whose", whose, torch_file(named)),
        Reader("spin", load_spin, torch_file({"model": named})),
        Reader("hmr", foreign_hmr.load_hmr, torch_file(hmr)),
        Reader("vibe", foreign_hmr.load_vibe, torch_file({"gen_state_dict": gru})),
        Reader("model", load_model, fixed((home / "m.safetensors").read_bytes())),
        Reader("state", load_training_state, fixed((home / "s.pt").read_bytes())),
        Reader("scores", Scores.load, npz(dict(np.load(home / "e.npz")))),
        Reader("result", result, document(json.loads((home / "r.json").read_text()), as_json)),
        Reader("answers", lambda p: exchange.read_predictions(p, known), npz(answer)),
        Reader("manifest", manifest_of, document(manifest, as_json)),
        Reader("settings", yaml_file, document(settings, lambda v: yaml.safe_dump(v).encode())),
    ]  # fmt: skip


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((3, 4)))
    return file.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks of other people's checkpoints, small: a file of two numbers fits none of them."""
    monkeypatch.setattr(NetConfig, "paper", staticmethod(lambda: TINY))
    monkeypatch.setattr(foreign_hmr, "HMR", replace(TINY, pose="axis-angle"))
    monkeypatch.setattr(foreign_hmr, "VIBE", TemporalConfig(features=8, width=4, hidden=4))


@pytest.mark.usefixtures("small")
@pytest.mark.filterwarnings("ignore")
def test_ten_thousand_damaged_files(readers: list[Reader], tmp_path: Path) -> None:
    each = -(-TOTAL // len(readers))
    outcomes: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    for reader in readers:
        content = reader.make(np.random.default_rng(0), False)
        for number in range(each):
            rng = np.random.default_rng([number, len(reader.name)])
            try:
                data = reader.make(rng, True) if number % 2 else spoil(content, rng)
            except (TypeError, ValueError, OverflowError):  # no format can say it
                data = spoil(content, rng)
            folder = tmp_path / reader.name
            folder.mkdir(exist_ok=True)
            path = folder / "file.x"
            path.write_bytes(data)
            try:
                reader.read(path)
                outcomes[reader.name, "read"] += 1
            except RscError as error:
                outcomes[reader.name, "refused"] += 1
                line = str(error)
                if "\n" in line or len(line) > 4000:
                    wrong.append(f"{reader.name}, case {number}: {line[:300]!r} is no line")
            except Exception as error:
                outcomes[reader.name, "failed"] += 1
                wrong.append(f"{reader.name}, case {number}: {error!r}"[:300])
    assert not wrong, "\n".join([f"{len(wrong)} of {each * len(readers)}", *wrong[:40]])
    assert sum(outcomes.values()) >= TOTAL
    # Each reader has refused some: it did read them.
    lenient = {"whose"}
    for reader in readers:
        assert outcomes[reader.name, "refused"] > 10 or reader.name in lenient, reader.name
    assert sum(n for (_, what), n in outcomes.items() if what == "read") > 500


def test_damaged_files_that_c_code_reads(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py (the extra licensed) is not installed")
    command = [sys.executable, "-m", "tests.attacks.c_readers", str(tmp_path), "150"]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert len(outcomes) == 6
    for kind, found in outcomes.items():
        assert set(found) == {"read", "refused"}, f"{kind}: {found}"
        assert sum(found.values()) == 150 and min(found.values()) > 0, f"{kind}: {found}"
