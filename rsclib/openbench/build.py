"""Build a part of the open benchmark: parallel, resumable, checked.

A part lies in ``<cache>/<name>-v<version>-<size>px-seed<seed>/`` as shards of 256 images. The version
is a number that is raised when the renderer draws something else, so an edit that changes no pixel
throws nothing away. A shard is written in one step and then entered into the manifest with its
SHA-256; a build that is stopped goes on with the shards that are missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from rsclib.errors import RscError
from rsclib.files.atomic import remove_stale, sha256, write_bytes, write_text
from rsclib.files.cache import cache_folder
from rsclib.files.npz import read_npz
from rsclib.files.turns import turn
from rsclib.files.workers import spread
from rsclib.openbench.making import arrays_of, make, most_images, rows_of
from rsclib.openbench.parts import PARTS, Split, Street

SHARD, SIZE = 256, 128
# Images of each part by default. The pre-training part is the largest by far.
COUNTS = {
    "source": 40960, "train-lab": 4096, "train-wild": 8192, "oracle-wild": 8192,
    "varied-wild": 16384, "varied-val": 768,
    "val-wild": 1536, "test-wild": 1536, "test-studio": 512, "test-lab": 512,
    "pedestrians-train": 4096, "pedestrians-test": 1024,  # eight of a person
    # Of videos, frames: 384 videos to train, each of 13 and 15 held-out clips in four or two of them.
    "video-train": 24576, "video-val": 3328, "test-video-wild": 3840, "test-video-studio": 1920,
}  # fmt: skip
# Of the renderer and the shipped files, for all parts; a part's own is in parts.py. Raise one when
# pixels or truth change: tests/test_golden.py fails until you do.
VERSION = 2


@dataclass(frozen=True)
class Request:
    """What to build: part name, number of images, their height in pixels, seed."""

    name: str
    count: int
    size: int = SIZE
    seed: int = 0

    @property
    def shards(self) -> int:
        """Whole shards are built, the last one too; of that, :func:`load` gives what was asked."""
        return -(-self.count // SHARD)

    @property
    def command(self) -> str:
        """The command that builds it."""
        count = f" --count {self.count}" if self.count != COUNTS[self.name] else ""
        size = f" --size {self.size}" if self.size != SIZE else ""
        return f"rsc data build {self.name}{count}{size}{f' --seed {self.seed}' * bool(self.seed)}"


def request(name: str, count: int | None = None, size: int = SIZE, seed: int = 0) -> Request:
    """A checked request; ``count`` defaults to the part's usual number.

    Raises:
        RscError: unknown part, or a number that makes no sense.
    """
    if name not in PARTS:
        raise RscError(f"there is no part {name!r}; choose from {', '.join(PARTS)}")
    count = COUNTS[name] if count is None else count
    most = min(10**5, most_images(PARTS[name]) // SHARD) * SHARD  # a shard's number has five digits
    if not 1 <= count <= most or size % 32 or not 32 <= size <= 512:
        raise RscError(
            f"count must be 1 to {most} and size a multiple of 32 up to 512: {count}, {size}"
        )
    return Request(name, count, size, seed)


def folder_of(wanted: Request, cache: Path | None = None) -> Path:
    """The folder of a request. Parts of different length share it: the longer holds the shorter."""
    version = f"v{VERSION}.{PARTS[wanted.name].version}"
    name = f"{wanted.name}-{version}-{wanted.size}px-seed{wanted.seed}"
    return (cache or cache_folder()) / name


Task = tuple[Split | Street, Request, int, Path, int]


def people_of_shard(
    part: Split | Street, wanted: Request, shard: int, count: int
) -> dict[str, NDArray]:
    """Render on one core: the others have shards of their own."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return make(part, wanted.seed, shard, count, wanted.size)
    finally:
        torch.set_num_threads(threads)


def _work(task: Task) -> tuple[int, str]:
    """Render and write a shard; returns its number and its SHA-256."""
    part, wanted, shard, path, count = task
    data = people_of_shard(part, wanted, shard, count)
    content = io.BytesIO()  # on a full disk, savez itself leaves a file open that complains later
    np.savez(content, **data)  # type: ignore[arg-type]
    with content.getbuffer() as view:
        write_bytes(path, view)
        return shard, hashlib.sha256(view).hexdigest()


def missing(wanted: Request, folder: Path) -> tuple[dict[str, str], list[Task]]:
    """The manifest, and what is still to be built."""
    manifest = _read_manifest(folder)
    names = ((shard, f"{shard:05d}") for shard in range(wanted.shards))
    return manifest, [
        (PARTS[wanted.name], wanted, shard, folder / f"{name}.npz", SHARD)
        for shard, name in names
        if name not in manifest or not (folder / f"{name}.npz").is_file()
    ]


def build(wanted: Request, workers: int | None = None, cache: Path | None = None) -> Path:
    """Build what is missing of a request and return its folder.

    A complete part is left alone, so it may lie in a folder that cannot be written. Killed at any
    moment, a build goes on where it was; its workers end with it. While another process builds the
    part, this one waits, and says so, until the images that it needs are there.

    Args:
        workers: processes; default one per core. One works in this process.

    Raises:
        RscError: the folder cannot be written, the disk is full, or a worker was killed.
    """
    folder = folder_of(wanted, cache)

    def complete() -> bool:
        return not missing(wanted, folder)[1]

    if complete():
        return folder
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Two builds of one part at once: the second waits until it finds what it needs.
            if not held.enter_context(turn(folder, complete)):
                return folder
        except OSError as error:
            raise RscError(
                f"cannot write {folder}: {error.strerror or error}; set RSC_CACHE to another folder"
            ) from error
        held.callback(_sweep, folder)  # after workers that were stopped
        _sweep(folder)  # after builds that were killed
        manifest, tasks = missing(wanted, folder)
        if tasks:
            _build(tasks, manifest, folder, workers or os.cpu_count() or 1)
    return folder


def _build(tasks: list[Task], manifest: dict[str, str], folder: Path, workers: int) -> None:
    """Work on ``tasks``, entering every finished shard into the manifest."""
    workers = min(workers, len(tasks))
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers
    bar = tqdm(total=len(tasks) * SHARD, desc=f"build {tasks[0][1].name}", unit="image")
    here = (_work(task) for task in tasks)
    done = spread(_work, tasks, workers) if workers > 1 else here
    try:
        with contextlib.closing(done):
            for shard, digest in done:
                manifest[f"{shard:05d}"] = digest
                write_text(folder / "manifest.json", _text(manifest))
                bar.update(SHARD)
    finally:
        bar.close()
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = threads


def _sweep(folder: Path) -> None:
    """Remove the half-written files of killed builds; only under the lock."""
    for shard in {path.stem[1:6] for path in folder.glob(".?????-????????.npz")}:
        remove_stale(folder / f"{shard}.npz")
    remove_stale(folder / "manifest.json")


def _text(manifest: dict[str, str]) -> str:
    return json.dumps(manifest, sort_keys=True, indent=0)


def _read_manifest(folder: Path) -> dict[str, str]:
    """SHA-256 by shard; empty when there is none yet. Read strictly: only what we would write."""
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        manifest = json.loads(text)
        entry = re.compile(r"\d{5} [0-9a-f]{64}")
        if not all(entry.fullmatch(f"{k} {v}") for k, v in manifest.items()):
            raise ValueError("an entry is not a shard and its SHA-256")
        if text != _text(manifest):
            raise ValueError("it is not as it was written")
    except (ValueError, AttributeError, OSError, RecursionError) as error:
        raise RscError(f"{path} is damaged ({error}); delete {folder} and build again") from error
    return manifest


def load(
    wanted: Request,
    keys: tuple[str, ...] | None = None,
    cache: Path | None = None,
    check: bool = True,
) -> dict[str, NDArray]:
    """Read the first ``wanted.count`` people of a built part into memory.

    Args:
        keys: only these arrays (see :func:`rsclib.openbench.people.make_people`).
        check: compare every shard's SHA-256 with the manifest.

    Raises:
        RscError: not built yet, or a shard is damaged (the message says how to mend it).
    """
    folder = folder_of(wanted, cache)
    manifest = _read_manifest(folder)
    data: dict[str, NDArray] = {}
    first: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    names = arrays_of(PARTS[wanted.name])
    names = names if keys is None else names & set(keys)
    for shard in range(wanted.shards):
        name, path = f"{shard:05d}", folder / f"{shard:05d}.npz"
        if name not in manifest or not path.is_file():
            raise RscError(f"{wanted.name} is not built; run: {wanted.command}")
        if check and sha256(path) != manifest[name]:
            raise RscError(f"{path} is damaged; delete it and run: {wanted.command}")
        part = read_npz(path, keys)
        if part.keys() != names:
            raise RscError(
                f"{folder} was built by another version of rsclib; delete it and run: {wanted.command}"
            )
        shapes = {k: (v.shape, v.dtype) for k, v in part.items()}
        fits = bool(part) and all(shapes[k][0][:1] == (rows_of(k, SHARD),) for k in part)
        if not shard and fits:  # filled in place: never two copies of a part in memory
            data = {
                k: np.empty((rows_of(k, wanted.count), *v.shape[1:]), v.dtype)
                for k, v in part.items()
            }
            first = shapes
        if not fits or shapes != first:
            raise RscError(f"the shards of {folder} do not fit; delete it and build again")
        for k, v in part.items():
            rows = data[k][shard * len(v) : (shard + 1) * len(v)]
            rows[:] = v[: len(rows)]  # of the last shard, as many as were asked for
    data["index"] = np.arange(wanted.count)
    return data


def fetch(
    name: str, count: int | None = None, size: int = SIZE, seed: int = 0, **options: Any
) -> dict[str, NDArray]:
    """Build a part if need be and read ``count`` people of it: ``fetch("test-wild")["images"]``."""
    wanted = request(name, count, size, seed)
    build(wanted)
    return load(wanted, **options)
