"""The pose prior: SMPLify's formula against scikit-learn's mixture, and files that are read safely."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]

from rsclib.errors import RscError
from rsclib.openbench.poses import sample_poses
from rsclib.pose_mixture import POSE, SHIPPED, PoseMixture, load_mixture


def arrays(components: int = 3, seed: int = 0) -> dict[str, Any]:
    """A random mixture."""
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(components, POSE, POSE)) * 0.05
    return {
        "means": rng.normal(size=(components, POSE)) * 0.3,
        "covars": half @ half.swapaxes(1, 2) + np.eye(POSE) * rng.uniform(0.01, 0.1, (components, 1, 1)),
        "weights": rng.dirichlet(np.ones(components)),
    }  # fmt: skip


def poses(n: int, seed: int) -> np.ndarray:
    drawn = sample_poses(np.random.default_rng(seed), "train", n).poses
    return drawn.reshape(n, -1)[:, -POSE:]


@pytest.mark.parametrize("shipped", [True, False])
def test_it_is_scikit_learns_likelihood_of_the_nearest_component(shipped: bool) -> None:
    given = dict(np.load(SHIPPED)) if shipped else arrays()
    mixture = load_mixture() if shipped else PoseMixture(**given)
    theirs = GaussianMixture(len(given["weights"]))
    theirs.means_, theirs.weights_ = given["means"].astype(float), given["weights"].astype(float)
    factor = np.linalg.cholesky(given["covars"].astype(float))
    theirs.precisions_cholesky_ = np.linalg.inv(factor).swapaxes(1, 2)
    x = np.concatenate([poses(40, 5), given["means"], np.zeros((1, POSE))]).astype(float)
    with np.errstate(divide="ignore"):
        each = theirs.score_samples(x)[:, None] + np.log(theirs.predict_proba(x))
    # SMPLify takes the square root of the determinant relative to the smallest.
    smallest = np.log(factor.diagonal(axis1=1, axis2=2)).sum(1).min()
    got = mixture(torch.tensor(x, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(got, -each.max(1) - smallest, rtol=1e-4, atol=2e-3)


def test_people_are_likelier_than_contortions() -> None:
    mixture, people = load_mixture(), torch.from_numpy(poses(200, 6)).float()
    assert mixture.name == "pose_mixture.npz" and len(mixture.means) == 8
    usual = mixture(people)
    assert (mixture(people + 0.6 * torch.randn_like(people)) > usual.max()).float().mean() > 0.9
    at_means = mixture(mixture.means)
    assert at_means.max() < usual.median()
    torch.testing.assert_close(mixture.mean, mixture.means.mean(0), atol=0.5, rtol=0)


def test_gradients_lead_towards_a_component() -> None:
    mixture = PoseMixture(**arrays(1))
    x = torch.zeros(1, POSE, requires_grad=True)
    (gradient,) = torch.autograd.grad(mixture(x).sum(), x)
    covar = torch.tensor(arrays(1)["covars"][0])
    expected = torch.linalg.solve(covar, -torch.tensor(arrays(1)["means"][0]))
    torch.testing.assert_close(gradient[0].double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_files_of_either_kind(tmp_path: Path, suffix: str) -> None:
    given, path = arrays(), tmp_path / f"gmm_08{suffix}"
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps(given, protocol=2))
    else:
        np.savez(path, **given)
    got, x = load_mixture(path), torch.randn(5, POSE)
    torch.testing.assert_close(got(x), PoseMixture(**given)(x))
    assert got.name == path.name and not got.state_dict()


def changed(**values: Any) -> dict[str, Any]:
    return arrays() | values


BAD = {
    "no numbers called covars": {k: v for k, v in arrays().items() if k != "covars"},
    "no numbers called weights": changed(weights=np.array([1, 0, 0])),
    r"means has the shape \(3, 68\)": changed(means=np.zeros((3, 68))),
    r"covars has the shape \(2, 69, 69\)": changed(covars=np.zeros((2, 69, 69))),
    "means holds a number that is not finite": changed(means=np.full((3, 69), np.nan)),
    "not symmetric": changed(covars=arrays()["covars"] + np.triu(np.ones((69, 69)), 1)),
    "not positive definite": changed(covars=-arrays()["covars"]),
    "sum to 1": changed(weights=np.array([0.5, 0.6, 0.7])),
    "positive": changed(weights=np.array([1.5, -0.5, 0.0])),
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_no_mixture(tmp_path: Path, message: str) -> None:
    np.savez(tmp_path / "x.npz", **BAD[message])
    with pytest.raises(RscError, match=f"x.npz is not a pose mixture: .*{message}"):
        load_mixture(tmp_path / "x.npz")


class Evil:
    """Whoever unpickles it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_a_pickle_with_a_program_in_it(tmp_path: Path) -> None:
    mark = tmp_path / "was here"
    (tmp_path / "gmm_08.pkl").write_bytes(pickle.dumps({"means": Evil(mark)}))
    with pytest.raises(RscError, match=r"is not a pose mixture: it asks for .* Nothing was run"):
        load_mixture(tmp_path / "gmm_08.pkl")
    assert not mark.exists()
    with pytest.raises(RscError, match="there is no pose mixture at"):
        load_mixture(tmp_path / "none.npz")
