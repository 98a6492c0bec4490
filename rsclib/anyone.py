"""Anybody's model under the low-resolution protocol, by two methods.

A model of yours says what it is (:meth:`Model.info`) and finds joints in small pictures
(:meth:`Model.predict`); nothing to inherit from, no network of ours needed. It gets the *small*
pixels, so enlarging them, or making them sharper, is its own affair. :class:`Outside` makes a
predictor of it that is scored beside the shipped models::

    score({"mine": Outside(MyModel()), "RSC-Net": predictor_named("full")}, "test-wild")

Where a model needs another environment, use files: :mod:`rsclib.exchange`.

Joints are (B, J, 3): metres, relative to the pelvis, camera axes (x right, y down, z forward), the 14
of :data:`rsclib.skeleton.J14_NAMES`; 17 with pelvis, spine and head of Human3.6M for MPI-INF-3DHP. A
tool without a neck and a head like these gives the first 12 and is scored on arms and legs
(:mod:`rsclib.limbs`), as is what it is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from rsclib.config import STRICT
from rsclib.errors import RscError
from rsclib.resolution import shrink

# A person's middle half in metres; what lies outside is another unit or another origin.
_SMALLEST, _TALLEST, _FURTHEST = 0.2, 4.0, 0.5
_OTHER_UNITS = ((400, "millimetres: divide by 1000"), (40, "centimetres: divide by 100"))
PLACEHOLDER = "put your model's name here"  # in a manifest that is to be filled in
HIPS, SHOULDERS, ANKLES = (2, 3), (8, 9), (0, 5)


@dataclass(frozen=True)
class Info:
    """What a model says of itself; tables and result files repeat it.

    Attributes:
        name: in tables. joints: 14; 12, arms and legs alone; or 17 for MPI-INF-3DHP under protocol spin.
        trained_on: data, in words; "" where nobody knows. licence: of weights and code.
        link: where it is to be had.
    """

    __pydantic_config__ = STRICT

    name: str
    joints: int = 14
    trained_on: str = ""
    licence: str = ""
    link: str = ""

    def check(self, where: str) -> None:
        """What the fields say together.

        Raises:
            RscError: no name, or another number of joints.
        """
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > 80:
            raise RscError(f"{where}: name is a line of 1 to 80 letters")
        if self.joints not in (12, 14, 17):
            raise RscError(f"{where}: joints is 12, 14 or 17, not {self.joints}")


class Look(NamedTuple):
    """What a model is shown: ``images`` (B, 3, s, s) uint8 RGB, s = ``size`` pixels, crops that the
    person fills to about 83 %; ``side`` is that of the crop before it was shrunk."""

    images: Tensor
    size: int
    side: int


class Model(Protocol):
    """What :class:`Outside` asks for."""

    def info(self) -> Info:
        """Who it is."""

    def predict(self, look: Look) -> Tensor:
        """Joints (B, 12, 14 or 17, 3), see the head of this module."""


class Outside:
    """A :class:`Model` as a :class:`rsclib.predictor.Predictor`."""

    def __init__(self, model: Model) -> None:
        self.model, self.about = model, model.info()
        self.about.check("info()")

    def joints14(self, images: Tensor, size: int) -> Tensor:
        """See :class:`rsclib.predictor.Predictor`.

        Raises:
            RscError: the model's joints are not what they should be, or arms and legs alone.
        """
        if self.about.joints < 14:
            raise RscError(
                f"{self.about.name} gives arms and legs alone: score it on "
                "rsclib.limbs.trial_on_limbs(trial), others as rsclib.limbs.OnLimbs"
            )
        return self._joints(images, size)[:, :14]

    def __getattr__(self, name: str) -> Any:
        # Others than 14 are offered by a model that has them only: an evaluation asks what is there.
        count = self.__dict__.get("about", Info("")).joints
        if count != 14 and name == f"joints{count}":
            return self._joints
        raise AttributeError(name)

    def _joints(self, images: Tensor, size: int) -> Tensor:
        found = self.model.predict(Look(shrink(images, size), size, images.shape[-1]))
        where, shape = f"{self.about.name} at {size} px", (len(images), self.about.joints, 3)
        if not isinstance(found, Tensor) or tuple(found.shape) != shape:
            is_ = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise RscError(f"{where}: predict gives {is_}, not a tensor {shape}")
        joints = found.detach().float().cpu()
        check_joints(joints, where)
        return joints


def check_joints(joints: Tensor, where: str, names: list[str] | None = None) -> None:
    """Refuse joints (N, J, 3) that cannot be metres from the pelvis.

    Args:
        names: of the N, for the message.

    Raises:
        RscError: a number is not finite, another unit, another origin.
    """
    if not bool(joints.isfinite().all()):
        first = int((~joints.isfinite()).flatten(1).any(1).nonzero()[0])
        which = f"prediction {first}" if names is None else names[first]
        raise RscError(f"{where}: {which} has numbers that are not finite (NaN); leave none out")
    if not len(joints):
        return
    extent = float((joints.amax(1) - joints.amin(1)).amax(1).median())
    if not _SMALLEST <= extent <= _TALLEST:
        unit = next((f" ({word}?)" for low, word in _OTHER_UNITS if extent >= low), "")
        raise RscError(
            f"{where}: joints are in metres, and the median person here measures {extent:.3g} m{unit}"
        )
    away = float(joints[:, HIPS].mean(1).norm(dim=-1).median())
    if away > _FURTHEST:
        raise RscError(
            f"{where}: joints are relative to the pelvis, and half of the hips lie more than "
            f"{away:.2g} m away from it; subtract each person's pelvis"
        )


def upside_down(joints: Tensor) -> bool:
    """Whether most of the people (N, J, 3) have their shoulders below their ankles: with y up in place
    of down they would, and every number after that would be of no use."""
    below = joints[:, SHOULDERS, 1].mean(1) > joints[:, ANKLES, 1].mean(1)
    return bool(below.float().mean() > 0.5) if len(joints) else False
