"""Damaged HDF5 files and videos, which C code reads: python -m tests.attacks.c_readers FOLDER COUNT

Prints JSON: of each kind how many were read, refused in a line, or failed otherwise. In a process of its
own, because a fault of that code ends the process, and memory is limited, because a damaged size can ask
for all of it.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
from PIL import Image

from rsclib.errors import RscError
from rsclib.files.video import open_video
from rsclib.readers import instavariety, mpi_inf_3dhp
from tests.attacks.images import spoil
from tests.clips import Clip, Walker

MEMORY = 6 * 2**30  # bytes
CODECS = {"mp4": "libx264", "avi": "mpeg4", "webm": "libvpx"}
MATLAB = ("annot2", "univ_annot3", "valid_frame")


def hdf5(arrays: dict[str, Any]) -> bytes:
    """A sound file with these arrays."""
    file = io.BytesIO()
    with h5py.File(file, "w") as content:
        for key, value in arrays.items():
            content[key] = value
    return file.getvalue()


def film(kind: str, folder: Path) -> bytes:
    """A sound film of eight small frames."""
    frames = [np.ascontiguousarray(f) for f in Clip([Walker(4, 2, 3.0, h=48)], 8)]
    if kind == "gif":
        file, pictures = io.BytesIO(), [Image.fromarray(f) for f in frames]
        pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=100)
        return file.getvalue()
    path = folder / f"sound.{kind}"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(CODECS[kind], rate=10)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


def readers(folder: Path) -> dict[str, tuple[str, bytes, Callable[[Path], Any]]]:
    """Of each kind the file's name, a sound content and what reads it."""
    rng = np.random.default_rng(0)
    test_set = {"annot2": rng.uniform(10, 1000, (4, 1, 17, 2)),
                "univ_annot3": rng.normal(0, 500, (4, 1, 17, 3)), "valid_frame": np.ones((4, 1))}  # fmt: skip
    clips = {"joints2D": np.ones((3, 25, 3)), "features": np.ones((3, 2048), np.float32),
             "vid_name": np.array([b"a"] * 3)}  # fmt: skip
    (folder / "vibe_db").mkdir()

    def insta(path: Path) -> Any:
        path.replace(folder / "vibe_db/insta_train_db.h5")
        return instavariety.read_insta(folder)

    return {
        "3dhp test set": ("a.mat", hdf5(test_set), lambda p: mpi_inf_3dhp._hdf5(p, MATLAB)),
        "instavariety": ("a.h5", hdf5(clips), insta),
    } | {
        kind: (f"a.{kind}", film(kind, folder), lambda p: sum(1 for _ in open_video(p)))
        for kind in (*CODECS, "gif")
    }  # fmt: skip


def main(folder: Path, count: int) -> None:
    """Read ``count`` damaged files of each kind."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")  # numbers that are spoilt overflow
    outcomes: dict[str, Counter[str]] = {}
    for kind, (name, content, read) in readers(folder).items():
        outcomes[kind] = Counter()
        for number in range(count):
            data = spoil(content, np.random.default_rng([number, 7]))
            (folder / name).write_bytes(data)
            try:
                read(folder / name)
                outcomes[kind]["read"] += 1
            except RscError as error:
                outcomes[kind]["refused" if "\n" not in str(error) else f"no line: {error}"] += 1
            except Exception as error:
                outcomes[kind][f"failed: {error!r}"[:300]] += 1
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
