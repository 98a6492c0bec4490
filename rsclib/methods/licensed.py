"""Training on the paper's data (Section 4.1): the licensed sets that are there, SMPL, SPIN's start.

What is looked for is what ``rsc doctor`` looks for, below one data root. The mix is said aloud, kept
beside the run and in the model's header: shares grow over what is missing, and a number from half of
the data must say so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm.auto import tqdm

from rsclib.body import Body, load_body
from rsclib.data import sources
from rsclib.errors import RscError
from rsclib.files.atomic import sha256, write_text
from rsclib.foreign import start_of_spin
from rsclib.methods.feaen import Feaen, FeaenConfig
from rsclib.methods.imgsr import Imgsr, ImgsrConfig
from rsclib.methods.rsc import Rsc, RscConfig, start_network
from rsclib.models import check_body
from rsclib.network import RSCNet
from rsclib.people import Share
from rsclib.readers.catalogue import checkpoint
from rsclib.resolution import PRESETS
from rsclib.runs.distributed import first_process_first, ranks

SPIN_START = "spin-released"
OPEN = "paper_open"  # the preset that stands in for "paper" where there are no licensed data
MIX = "mix.json"  # beside a run: what it is trained on
# Rivals that need no more than the same pictures (HMR needs AMASS, SPIN's loop its fits).
KINDS: dict[type[RscConfig], Callable[..., Rsc]] = {
    RscConfig: Rsc, ImgsrConfig: Imgsr, FeaenConfig: Feaen,
}  # fmt: skip


class Place(NamedTuple):
    """Where a user's licensed things lie: the data root, and SMPL's file or folder."""

    root: Path
    smpl: Path


@dataclass
class Build:
    """What :func:`rsclib.train.train` calls in every process to make the method.

    Attributes:
        about: for the model's header, once it has been called: the mix, and the start's digest.
    """

    config: RscConfig
    resumed: bool
    place: Place
    folder: Path
    body: Body
    start: Path | None
    about: dict[str, Any] = field(default_factory=dict)

    def __call__(self, device: torch.device) -> Rsc:
        ranges = PRESETS[self.config.ranges]
        with first_process_first():
            people, words = sources.licensed(self.place.root, ranges.full)
            self._keep(people.mix)
        if ranks()[0] == 0:
            tqdm.write(words, file=sys.stderr)
        self.about |= {
            "data": words,
            "start": self.config.init if self.start is None else sha256(self.start),
        }
        net = self._start()
        check_body(net, self.body)
        kind = KINDS[type(self.config)]
        return kind(self.config, people, net, ranges, device, self.resumed, self.body)

    def _start(self) -> RSCNet:
        return start_network(self.config, None if self.start is None else start_of_spin(self.start))

    def _keep(self, mix: tuple[Share, ...]) -> None:
        """Write what is mixed beside the run, or see that it is still the same.

        Raises:
            RscError: a run that was begun with other data sets cannot go on with these.
        """
        text = json.dumps([group._asdict() for group in mix], indent=2) + "\n"
        file = self.folder / MIX
        if not self.resumed and ranks()[0] == 0:
            write_text(file, text)
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            raise RscError(
                f"{self.folder} was begun with other data sets than {self.place.root} holds now; "
                "bring them back, or choose another folder"
            )


def builder(config: RscConfig, resumed: bool, place: Place | None, folder: Path) -> Build:
    """As :func:`rsclib.methods.rsc.builder`, on licensed data.

    Raises:
        RscError: at once, where no data root is named, SMPL or the start is not there, or the
            method needs more than pictures.
    """
    if place is None:
        raise RscError(
            "the paper's training needs its licensed data: name their folder with --data or RSC_DATA "
            f"(rsc doctor says what is looked for); on the open benchmark the same is {OPEN}"
        )
    if type(config) not in KINDS:
        raise RscError("data: licensed is for the methods rsc, imgsr and feaen; use data: open")
    body = load_body(place.smpl)
    if body.name != "smpl":
        raise RscError(
            f"licensed labels are of SMPL, and {place.smpl} is another body; name SMPL's"
        )
    start = None
    if config.init == SPIN_START:
        start = checkpoint(place.root, "SPIN")
        if start is None:
            raise RscError(
                f"the training starts from SPIN's checkpoint, and {place.root}/checkpoints holds "
                "none (model_checkpoint.pt): get it as rsc doctor says, or write a YAML file with "
                "base: paper and another init"
            )
    return Build(config, resumed, place, folder, body, start)
