"""LPIPS: real weights or none, read as data; what it says of equal, noisy and shifted pictures."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from rsclib import perceptual
from rsclib.errors import RscError
from rsclib.files.nested_pickles import read_pickle
from rsclib.files.tensors import read_torch
from rsclib.perceptual import NoWeightsError, lpips_metric, perceptual_metrics

ALEX_ROW = (0.118640, 0.094069, 0.095435)  # of torchvision's first kernel
VGG_ROW = (-0.55373, 0.14270, 0.52896)
KNOWN = {"alex": 0.24898, "vgg": 0.65667}  # of the pictures below


@pytest.fixture(scope="module")
def weights() -> Path:
    """The folder of the package's weights."""
    spec = importlib.util.find_spec(perceptual.PACKAGE)
    places = spec.submodule_search_locations if spec else None
    if not places:
        pytest.skip(f"{perceptual.PACKAGE} is not installed: make env installs it")
    return Path(places[0]) / "weights"


def pair() -> tuple[Tensor, Tensor]:
    """Two pictures with structure, drawn from a seed."""
    generator = torch.Generator().manual_seed(7)
    coarse = torch.rand(2, 3, 9, 7, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(128, 64), mode="bicubic").clamp(0, 1)
    return smooth[:1], smooth[1:]


@pytest.mark.parametrize(("net", "row"), [("alex", ALEX_ROW), ("vgg", VGG_ROW)])
def test_trunks_are_torchvisions(
    weights: Path, net: perceptual.Net, row: tuple[float, ...]
) -> None:
    file, name = perceptual.TRUNKS[net].packed
    kernel = read_pickle(weights / file, "")[name]["Conv_0"]["kernel"]
    np.testing.assert_allclose(kernel[0, :3, 0, 0], row, atol=6e-6)


def by_hand(net: perceptual.Net, folder: Path, a: Tensor, b: Tensor) -> float:
    """LPIPS out of torchvision's layers, one after the other, and the heads of the package ``lpips``."""
    import lpips

    made = {"alex": torchvision.models.alexnet, "vgg": torchvision.models.vgg16}[net]
    with torch.device("meta"):
        layers = made(weights=None).features
    file, name = perceptual.TRUNKS[net].packed
    layers_ = read_pickle(folder / file, "")[name]
    heads = read_torch(Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth")
    taps = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}[net]
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    x = [(2 * i - 1 - shift.view(1, 3, 1, 1)) / scale.view(1, 3, 1, 1) for i in (a, b)]
    total, conv, tap = 0.0, 0, 0
    for number, layer in enumerate(layers):
        if isinstance(layer, torch.nn.Conv2d):
            kernel = torch.from_numpy(layers_[f"Conv_{conv}"]["kernel"]).permute(3, 2, 0, 1)
            bias = torch.from_numpy(layers_[f"Conv_{conv}"]["bias"])
            x = [torch.conv2d(i, kernel, bias, layer.stride, layer.padding) for i in x]
            conv += 1
        else:
            x = [layer(i) for i in x]
        if number in taps:
            unit = [i / i.norm(dim=1, keepdim=True).clamp(min=1e-10) for i in x]
            head = heads[f"lin{tap}.model.1.weight"]
            total += float(((unit[0] - unit[1]).square() * head[0]).sum(1).mean())
            tap += 1
    return total


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_a_known_value(weights: Path, net: perceptual.Net) -> None:
    metric = lpips_metric(net, weights)
    a, b = pair()
    found = metric.distance(a, b)
    assert metric.distance(torch.cat([a, b]), torch.cat([a, b])).tolist() == [0, 0]
    assert float(found) == pytest.approx(KNOWN[net], abs=1e-4)
    assert float(found) == pytest.approx(by_hand(net, weights, a, b), abs=1e-5)
    torch.testing.assert_close(metric.distance(b, a), found)
    assert metric.name == perceptual.TRUNKS[net].title and metric.source == "a file that was named"


def test_more_damage_is_further_away_and_a_shift_costs(weights: Path) -> None:
    metric = lpips_metric("alex", weights)
    picture = pair()[0]
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    values = [float(metric.distance(picture, picture + s * noise)) for s in (0.02, 0.1, 0.4)]
    assert values == sorted(values) and values[0] > 0


def test_the_package_is_found_and_never_imported(weights: Path) -> None:
    assert lpips_metric("alex").source == f"the package {perceptual.PACKAGE}"
    assert not {perceptual.PACKAGE, "jax", "flax"} & sys.modules.keys()


def without_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(perceptual, "PACKAGE", "no_package_of_this_name")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


def test_torchvisions_cache(weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    convs = read_pickle(weights / "alexnet.ckpt", "")["AlexNet_0"]
    state = {"classifier.1.weight": torch.zeros(3, 3)}
    for i, layer in enumerate((0, 3, 6, 8, 10)):
        kernel = torch.from_numpy(convs[f"Conv_{i}"]["kernel"]).permute(3, 2, 0, 1)
        state[f"features.{layer}.weight"] = kernel.contiguous()
        state[f"features.{layer}.bias"] = torch.from_numpy(convs[f"Conv_{i}"]["bias"])
    without_package(monkeypatch, tmp_path)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / perceptual.TRUNKS["alex"].cached)
    found = lpips_metric("alex")
    assert found.source == "torchvision's cache"
    a, b = pair()
    torch.testing.assert_close(found.distance(a, b), lpips_metric("alex", weights).distance(a, b))


def test_without_weights_there_is_a_reason_and_no_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_package(monkeypatch, tmp_path)
    here, missing = perceptual_metrics()
    assert here == [] and missing.keys() == {"LPIPS (AlexNet)", "LPIPS (VGG)"}
    assert all("make env" in reason and "--lpips-weights" in reason for reason in missing.values())
    with pytest.raises(NoWeightsError, match="neither a file nor a folder"):
        lpips_metric("alex", tmp_path / "nothing")


def test_other_weights_are_refused(tmp_path: Path) -> None:
    """A random AlexNet of the right shapes is not LPIPS."""
    net = torchvision.models.alexnet(weights=None).features
    file = tmp_path / "alexnet.pth"
    torch.save({f"features.{k}": v for k, v in net.state_dict().items()}, file)
    with pytest.raises(RscError, match="other weights than torchvision's"):
        lpips_metric("alex", file)
    torch.save({"features.0.weight": torch.zeros(1)}, file)
    with pytest.raises(RscError, match="5 convolutions"):
        lpips_metric("alex", file)
    with pytest.raises(RscError, match="alex, vgg"):
        lpips_metric("squeeze")  # type: ignore[arg-type]


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_no_code_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    file, trace = tmp_path / "alexnet.ckpt", tmp_path / "trace"
    file.write_bytes(pickle.dumps({"AlexNet_0": {"Conv_0": Harm(trace)}}))
    with pytest.raises(RscError, match="Nothing was run"):
        lpips_metric("alex", tmp_path)
    assert not trace.exists()
    pickle.loads(file.read_bytes())
    assert trace.exists(), "Python's own reader does run it"


@pytest.mark.parametrize(
    "bad", [{}, {"AlexNet_0": 3}, {"AlexNet_0": {"Conv_0": {"kernel": np.zeros((3, 3))}}}]
)
def test_a_checkpoint_of_something_else_is_one_line(tmp_path: Path, bad: object) -> None:
    (tmp_path / "alexnet.ckpt").write_bytes(pickle.dumps(bad))
    with pytest.raises(RscError, match="holds no LPIPS"):
        lpips_metric("alex", tmp_path)
