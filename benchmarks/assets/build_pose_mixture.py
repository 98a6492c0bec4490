"""Build ``rsclib/assets/pose_mixture.npz``: SMPLify's pose prior on the open benchmark's training poses.

    python benchmarks/assets/build_pose_mixture.py && make sums

A mixture of eight Gaussians over the 69 axis-angle numbers of a body pose, by scikit-learn, on poses
as the training parts draw them: frames of the training clips, limbs mixed between them, limbs drawn
at random. On the clips' 1,786 frames (with their mirror images) alone it gives held-out motions no
chance: log likelihoods printed by ``--frames``. Two minutes on a core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]

from rsclib.files.atomic import atomic_path, sha256
from rsclib.openbench.motions import SPLIT, mirror_poses, shipped_motions
from rsclib.openbench.poses import sample_poses
from rsclib.pose_mixture import POSE, SHIPPED

COMPONENTS, COUNT, SEED = 8, 20_000, 0  # as many components as SMPLify's
# Added to every variance, rad^2. Of 1e-3, 3e-3, 1e-2, 3e-2 and 1e-1 the one that makes the val motions
# likeliest, with 10,000 poses: their clips turn joints that the training clips hardly do.
REGULARISED = 1e-2


def frames(split: str) -> np.ndarray:
    """Body poses (N, 69) of a split's clips, and mirrored."""
    clips = shipped_motions()
    poses = np.concatenate([clips[name].poses for name in SPLIT[split]])  # type: ignore[index]
    return np.concatenate([poses, mirror_poses(poses)]).reshape(len(poses) * 2, -1)[:, -POSE:]


def fitted(poses: np.ndarray) -> GaussianMixture:
    """The mixture of poses (N, 69)."""
    mixture = GaussianMixture(
        COMPONENTS, reg_covar=REGULARISED, random_state=SEED, max_iter=200
    ).fit(poses)
    for split in ("val", "test"):  # of the test motions nothing was chosen by
        print(f"mean log likelihood of the {split} motions: {mixture.score(frames(split)):.1f}")
    return mixture


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument(
        "--frames", action="store_true", help="only say what the clips' frames alone would give"
    )
    arguments = parser.parse_args()
    if arguments.frames:
        fitted(frames("train"))
        return
    drawn = sample_poses(np.random.default_rng(SEED), "train", COUNT).poses
    mixture = fitted(drawn.reshape(COUNT, -1)[:, -POSE:])
    arrays = {
        "means": mixture.means_, "covars": mixture.covariances_, "weights": mixture.weights_,
    }  # fmt: skip
    with atomic_path(arguments.out) as temporary:
        np.savez_compressed(
            temporary, allow_pickle=False, **{k: v.astype(np.float32) for k, v in arrays.items()}
        )  # type: ignore[arg-type]
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e3:.0f} kB, {sha256(arguments.out)}")


if __name__ == "__main__":
    main()
