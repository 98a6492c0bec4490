"""Errors of every image, kept beside a run: what tables, differences and plots are made from."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.files.npz import read_npz
from rsclib.statistics import Interval, over_seeds, paired_difference

Key = tuple[str, int, str]  # method, size in pixels, metric


@dataclass(frozen=True)
class Scores:
    """Errors of N images of a test part.

    Attributes:
        part: its name. clip: (N,) the motion recording of each image, which intervals keep whole.
        errors: by method, size (px) and metric: (N,) mm.
    """

    part: str
    clip: NDArray[np.str_]
    errors: dict[Key, NDArray[np.float64]]

    @property
    def methods(self) -> list[str]:
        """In order of their appearance."""
        return list(dict.fromkeys(name for name, _, _ in self.errors))

    def of(self, method: str, size: int, metric: str = "mpjpe") -> NDArray[np.float64]:
        """The errors (N,) of one method at one size, mm.

        Raises:
            RscError: they were not measured.
        """
        if (method, size, metric) not in self.errors:
            known = sorted({(m, s) for m, s, _ in self.errors})
            raise RscError(f"no {metric} of {method!r} at {size} px on {self.part}; there: {known}")
        return self.errors[method, size, metric]

    def difference(
        self, method: str, baseline: str, size: int, metric: str = "mpjpe", seed: int = 0
    ) -> Interval:
        """Mean of ``method`` minus ``baseline`` on the same images, mm, with its 95 % interval over
        recordings and clips: the number to read when two methods are compared (below 0: fewer errors).

        Raises:
            RscError: one of them was not measured.
        """
        ours, theirs = self.of(method, size, metric), self.of(baseline, size, metric)
        return paired_difference(ours, theirs, self.clip, seed=seed)

    def difference_over_seeds(
        self, methods: Sequence[str], baselines: Sequence[str], size: int, metric: str = "mpjpe",
        seed: int = 0,
    ) -> Interval:  # fmt: skip
        """The same of two rows of a table, each trained with several seeds: the interval is over
        recordings, clips and seeds.

        Args:
            methods, baselines: e.g. ("RA/seed0", "RA/seed1"), in the same order of seeds.

        Raises:
            RscError: one was not measured, or there are not as many of each, two or more.
        """
        if len(methods) != len(baselines):
            raise RscError(f"{len(methods)} trainings cannot be paired with {len(baselines)}")
        pairs = zip(methods, baselines, strict=True)
        apart = [self.of(a, size, metric) - self.of(b, size, metric) for a, b in pairs]
        return over_seeds(np.array(apart), self.clip, seed=seed)

    def joined(self, other: Scores) -> Scores:
        """The methods of both, scored on the same images.

        Raises:
            RscError: the images are not the same, or a method stands in both.
        """
        if self.part != other.part or not np.array_equal(self.clip, other.clip):
            raise RscError(f"scores of other images: {self.part} and {other.part}")
        if twice := self.errors.keys() & other.errors.keys():
            raise RscError(f"{sorted(twice)[0][0]!r} stands in both scores")
        return Scores(self.part, self.clip, self.errors | other.errors)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them as npz, whole or not at all; errors in 32 bits, hundredths of a millionth."""
        keys = list(self.errors)
        content = io.BytesIO()
        np.savez_compressed(
            content, allow_pickle=False, part=np.array(self.part), clip=np.asarray(self.clip),
            method=np.array([k[0] for k in keys]), size=np.array([k[1] for k in keys], np.int64),
            metric=np.array([k[2] for k in keys]),
            errors=np.array([self.errors[k] for k in keys], np.float32),
        )  # fmt: skip
        write_bytes(path, content.getbuffer())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Scores:
        """Read what :meth:`save` wrote.

        Raises:
            RscError: missing, damaged, or not scores.
        """
        a = read_npz(path)
        try:
            errors = a["errors"].astype(np.float64)
            names, sizes, metrics = a["method"].tolist(), a["size"].tolist(), a["metric"].tolist()
            keys: list[Key] = list(zip(names, sizes, metrics, strict=True))
            if errors.shape != (len(keys), len(a["clip"])) or len(set(keys)) < len(keys):
                raise ValueError("its arrays do not fit one another")
            if not np.isfinite(errors).all():
                raise ValueError("an error is not a finite number")
            return Scores(str(a["part"]), a["clip"], dict(zip(keys, errors, strict=True)))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RscError(
                f"{path} does not hold scores ({error}); score the model again"
            ) from error
