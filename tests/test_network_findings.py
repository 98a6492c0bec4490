"""Faults that were found by attacking the loaders and losses; each test failed before its fix."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from rsclib import checkpoints as C
from rsclib import foreign
from rsclib import losses as L
from rsclib.contrastive import FeatureQueue
from rsclib.errors import RscError
from rsclib.files.tensors import read_torch
from rsclib.geometry import project, rot6d_to_rotmat
from rsclib.network import Prediction, RSCNet
from rsclib.people import Labels
from tests.official import state_dict
from tests.toys import TINY


@pytest.mark.parametrize(
    "change",
    [{"dropout": 0.9}, {"iterations": 1}, {"activation": "none"}, {"stem": -8}, {"hidden": 10**9}],
)
def test_changed_settings_are_detected(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "m.safetensors"
    C.save_model(path, RSCNet(TINY), {})
    with safetensors.safe_open(path, "pt") as file:
        header = dict(file.metadata())
    header["config"] = json.dumps({**json.loads(header["config"]), **change})
    save_file(load_file(path), path, metadata=header)
    with pytest.raises(RscError, match="damaged"):
        C.load_model(path)


def test_values_too_large_for_16_bits_survive(tmp_path: Path) -> None:
    net = RSCNet(TINY)
    variance = net.trunk.bn1.running_var
    assert variance is not None
    variance[0] = 1e5
    C.save_model(tmp_path / "m.safetensors", net, {}, half=True)
    again = C.load_model(tmp_path / "m.safetensors")
    assert again.state_dict()["trunk.bn1.running_var"][0] == 1e5


def test_deeply_nested_header(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    meta = {"config": "[" * 100_000, "about": "{}", "sha256": ""}
    save_file({"a": torch.ones(1)}, path, metadata=meta)
    with pytest.raises(RscError):
        C.load_model(path)


def test_spin_loader_refuses_the_released_network() -> None:
    """All its keys would fit, with another function in the regressor."""
    state = state_dict()
    with pytest.raises(RscError, match="load_official"):
        foreign.load_spin(state)
    with pytest.raises(RscError, match="load_official"):
        foreign.load_spin({k: v for k, v in state.items() if "alphas" not in k})


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_must_be_finite(value: float) -> None:
    with pytest.raises(RscError, match=r"not finite.*fc1\.bias"):
        foreign.load_official({**state_dict(), "fc1.bias": torch.full((1024,), value)})


@pytest.mark.parametrize("dtype", [torch.long, torch.complex64])
def test_weights_must_be_real_numbers(dtype: torch.dtype) -> None:
    with pytest.raises(RscError, match=r"fc1\.bias"):
        foreign.load_official({**state_dict(), "fc1.bias": torch.zeros(1024, dtype=dtype)})


def test_odd_keys() -> None:
    state = state_dict()
    with pytest.raises(RscError, match="not a name"):
        foreign.load_official({0: torch.zeros(1)})  # type: ignore[dict-item]
    with pytest.raises(RscError, match="two names"):
        foreign.load_official({**state, "layer1.0.bn1.bias": state["layer1.hmr_layer.0.bn1.bias"]})


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False])
@given(data=st.data())
def test_damaged_foreign_file_is_one_kind_of_error(
    tmp_path_factory: pytest.TempPathFactory, zipped: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{zipped}.pt"
    torch.save({"model": {"a": torch.ones(3)}}, path, _use_new_zipfile_serialization=zipped)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(RscError):  # read or refused, nothing else
        read_torch(path)


@pytest.mark.parametrize("config", [L.LossConfig.paper(), L.LossConfig.released()])
def test_absent_labels_may_be_nan(config: L.LossConfig) -> None:
    n = 4
    prediction = Prediction(
        rot6d_to_rotmat(torch.randn(n, 24, 6)).requires_grad_(),
        torch.randn(n, 10, requires_grad=True), (torch.rand(n, 3) + 0.5).requires_grad_(),
        torch.randn(n, 8), torch.randn(n, 8),
    )  # fmt: skip
    joints = torch.randn(n, 24, 3, requires_grad=True)
    keypoints = torch.cat(
        [project(joints.detach(), prediction.cam.detach()), torch.ones(n, 24, 1)], 2
    )
    keypoints[0, 3] = 0
    has = torch.arange(n) < 2
    zeros = Labels(
        keypoints, torch.zeros(n, 24, 4), torch.zeros(n, 24, 3, 3), torch.zeros(n, 10), has, has,
        torch.arange(n),
    )  # fmt: skip
    absent = zeros._replace(
        keypoints2d=keypoints.clone(), keypoints3d=zeros.keypoints3d.clone(),
        rotmats=zeros.rotmats.clone(), betas=zeros.betas.clone(),
    )  # fmt: skip
    absent.keypoints2d[0, 3, :2] = torch.nan
    for labels in (absent.keypoints3d, absent.rotmats, absent.betas):
        labels[2:] = torch.nan
    a, b = (L.basic_loss(prediction, joints, t, config) for t in (zeros, absent))
    assert all(torch.equal(a[k], b[k]) for k in a)
    torch.stack(list(b.values())).sum().backward()
    for t in (prediction.rotmats, prediction.betas, prediction.cam, joints):
        assert t.grad is not None and t.grad.isfinite().all()


def test_released_two_d_mean_counts_the_openpose_rows() -> None:
    """Conf-weighted mean over B x 49 x 2, of which 25 rows weigh nothing."""
    n = 3
    flat, truth, seen = torch.randn(n, 49, 2), torch.randn(n, 49, 2), torch.rand(n, 49, 1)
    seen[:, :25] = 0
    whole = 5 * (seen * (flat - truth).square()).mean()
    ours = (seen * (flat - truth).square())[:, 25:].mean() * L.LossConfig.released().joints2d
    assert float(ours) == pytest.approx(float(whole), rel=1e-5)


@pytest.mark.parametrize("feat", ["nce", "mse", "cosine"])
def test_feature_loss_does_not_depend_on_the_self_supervision(feat: Any) -> None:
    p = Prediction(*(torch.randn(6, d) for d in (3, 10, 3, 8, 8)))
    queue = FeatureQueue(8, 8)
    queue.enqueue(torch.randn(8, 8), torch.arange(8) + 10)
    values = {
        float(L.feature_loss(p, 3, torch.arange(2), queue, L.LossConfig(ss=ss, feat=feat)))
        for ss in ("none", "directional", "undirected", "highest")
    }
    assert len(values) == 1
