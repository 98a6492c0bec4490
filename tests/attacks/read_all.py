"""Give every hostile file to every reader with little memory: ``python -m tests.attacks.read_all``.

Called with a folder; prints a JSON list of (file, reader, outcome), where outcome is "read",
"refused" or what is wrong. It is a process of its own, so that a crash or a limit on memory hits
nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rsclib import checkpoints as C
from rsclib.errors import RscError
from rsclib.files.atomic import sha256
from rsclib.files.body_files import OPEN_BODY, read_body
from rsclib.files.joblib_files import read_joblib
from rsclib.files.matlab import read_mat
from rsclib.files.nested_pickles import read_pickle
from rsclib.files.npz import read_npy, read_npz
from rsclib.files.pickles import load_smpl_pickle
from rsclib.foreign import load_imagenet_trunk, load_official, load_spin
from rsclib.methods import load_config
from rsclib.models import model_named
from rsclib.network import RSCNet
from rsclib.openbench import build
from rsclib.readers.amass import read_motion
from rsclib.readers.coco import read_coco
from rsclib.readers.spin_npz import read_spin_npz
from rsclib.readers.vibe_db import read_vibe_db
from rsclib.runs.results import read_result
from rsclib.runs.states import load_training_state
from rsclib.scores import Scores
from tests.attacks import payloads as P
from tests.toys import TINY

COCO = "coco/annotations/person_keypoints_train2014.json"
MEMORY = 600_000_000  # bytes that a reader may claim above what the libraries have


def build_corpus(folder: Path, marker: Path) -> dict[str, bytes]:
    """Every hostile file by name."""
    C.save_model(folder / "honest.safetensors", RSCNet(TINY), {})
    honest = (folder / "honest.safetensors").read_bytes()
    state = RSCNet(TINY).state_dict()

    def sign(changes: dict[str, Any]) -> bytes:
        config = dataclasses.asdict(TINY) | {k: v for k, v in changes.items() if k != "kind"}
        kind = changes.get("kind", RSCNet.kind)
        meta = {"format": C.FORMAT, "kind": kind, "config": json.dumps(config), "about": "{}"}
        meta["sha256"] = C._digest(state, meta)
        return C.safetensors.torch.save(state, meta)

    with np.load(OPEN_BODY, allow_pickle=False) as file:
        body = {key: file[key] for key in file.files}
    parts = {
        "pickle": P.code(marker),
        "pickle bomb": P.pickle_bombs(),
        "torch": P.torch_files(marker),
        "safetensors": P.safetensors_files(honest, sign),
        "npy": P.npy_files(marker),
        "npz": P.npz_files(marker, body),
        "json": P.json_files(),
    }
    return {f"{kind}: {name}": data for kind, part in parts.items() for name, data in part.items()}


def readers(folder: Path) -> dict[str, tuple[str, Callable[[Path], Any]]]:
    """Reader by name, with the name that its file must have."""
    tiny = RSCNet(TINY)
    wanted = build.Request("test-lab", build.SHARD)
    build.folder_of = lambda *_: folder  # type: ignore[assignment]

    def load_shard(path: Path) -> Any:
        (folder / "manifest.json").write_text(json.dumps({"00000": sha256(path)}))
        return build.load(wanted)

    def beside(path: Path) -> Any:
        return read_body(folder / "SMPL_NEUTRAL.npz")

    np.savez(folder / "SMPL_NEUTRAL.npz", v_template=np.zeros(3))
    (folder / COCO).parent.mkdir(parents=True)
    return {
        "load_model": ("a.safetensors", C.load_model),
        "model_named": ("a.pt", lambda path: model_named(str(path))),
        "read_header": ("a.safetensors", C.read_header),
        "load_official": ("a.pt", load_official),
        "load_spin": ("a.pt", load_spin),
        "load_imagenet_trunk": ("a.pt", lambda path: load_imagenet_trunk(tiny, path)),
        "load_training_state": ("a.pt", load_training_state),
        "read_body, pkl": ("a.pkl", read_body),
        "read_body, npz": ("a.npz", read_body),
        "read_body, beside": ("J_regressor_extra.npy", beside),
        "load_smpl_pickle": ("a.pkl", load_smpl_pickle),
        "read_npz": ("a.npz", read_npz),
        "Scores.load": ("a.npz", Scores.load),
        "read_npy": ("a.npy", read_npy),
        "read_result": ("a.json", read_result),
        "build.load": ("00000.npz", load_shard),
        "_read_manifest": ("manifest.json", lambda path: build._read_manifest(path.parent)),
        "read_pickle": ("a.pkl", lambda path: read_pickle(path, "a sequence")),
        "read_joblib": ("a_db.pt", read_joblib),
        "read_vibe_db": ("a_db.pt", read_vibe_db),
        "read_spin_npz": ("a.npz", lambda path: read_spin_npz(path, folder)),
        "read_motion": ("a.npz", lambda path: read_motion(path, "a")),
        "read_mat": ("a.mat", lambda path: read_mat(path, ("joints",))),
        "read_coco": (COCO, lambda path: read_coco(folder)),
        "load_config": ("a.yaml", lambda path: load_config(str(path))),
    }


def outcome(reader: Callable[[Path], Any], path: Path) -> str:
    """What a reader makes of a file."""
    try:
        reader(path)
    except RscError as error:
        line = str(error)
        fine = line.isprintable() and 20 < len(line) < 2100
        return "refused" if fine else f"a bad message: {line!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return "read"


def main(folder: Path) -> None:
    """Read everything, print what came of it."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    corpus, table = build_corpus(folder, folder / "marker"), readers(folder)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    found = []
    for name, content in corpus.items():
        for kind, (file, reader) in table.items():
            (folder / file).write_bytes(content)
            found.append((name, kind, outcome(reader, folder / file)))
            print(name, kind, found[-1][2], file=sys.stderr, flush=True)
            (folder / file).unlink()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
