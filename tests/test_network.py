"""The network: equal to the released one, a plain ResNet at alpha = 1, mixed batches done right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.models import resnet50

from rsclib.errors import RscError
from rsclib.foreign import load_imagenet_trunk, load_official
from rsclib.network import NetConfig, RSCNet
from tests.official import FOLDER, SEED, state_dict
from tests.toys import TINY


def test_forward_equals_the_released_network() -> None:
    net = load_official(state_dict())
    images = torch.tensor(
        np.random.RandomState(SEED).standard_normal((2, 3, 224, 224)).astype(np.float32)
    )
    with torch.no_grad():  # all five scales in one mixed batch
        got = net(images.repeat(5, 1, 1, 1), torch.arange(5).repeat_interleave(2))
    fixture = np.load(FOLDER / "official_forward.npz", allow_pickle=False)
    for i in range(5):
        rows = slice(2 * i, 2 * i + 2)
        for name, values in (
            ("rotmat", got.rotmats), ("betas", got.betas), ("cam", got.cam), ("proj", got.proj),
        ):  # fmt: skip
            assert np.abs(values[rows].numpy() - fixture[f"{name}_{i}"]).max() < 1e-4, (name, i)
    assert sum(p.numel() for p in net.parameters()) == 29_338_157


def test_alpha_of_one_is_a_plain_resnet() -> None:
    reference = resnet50(weights=None).eval()
    net = RSCNet(NetConfig.paper()).eval()
    load_imagenet_trunk(net, reference.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        maps, _ = net.forward_features(x, torch.tensor([3]))
        z = reference.maxpool(reference.relu(reference.bn1(reference.conv1(x))))
        for ours, layer in zip(maps, ("layer1", "layer2", "layer3", "layer4"), strict=True):
            z = getattr(reference, layer)(z)
            assert (ours - z).abs().max() < 1e-4 * z.abs().max()


def test_mixed_batch_equals_one_range_at_a_time() -> None:
    net = RSCNet(TINY).eval()
    torch.nn.init.normal_(net.trunk.alpha, 1, 0.3)
    x, index = torch.randn(6, 3, 64, 64), torch.tensor([0, 4, 2, 2, 1, 3])
    with torch.no_grad():
        mixed = net(x, index)
        for i in range(6):
            single = net(x[i : i + 1], index[i : i + 1])
            for a, b in zip(mixed, single, strict=True):
                assert (a[i] - b[0]).abs().max() < 1e-5
        order = torch.randperm(6)
        assert (net(x[order], index[order]).rotmats - mixed.rotmats[order]).abs().max() < 1e-5


def test_gradient_reaches_only_the_row_in_use() -> None:
    net = RSCNet(TINY).train()
    out = net(torch.randn(4, 3, 64, 64), torch.full((4,), 2))
    sum(t.square().sum() for t in out).backward()
    gradient = net.trunk.alpha.grad
    assert gradient is not None
    assert (gradient[2] != 0).all()
    assert (gradient[[0, 1, 3, 4]] == 0).all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_copy_row() -> None:
    net = RSCNet(TINY)
    torch.nn.init.normal_(net.trunk.alpha)
    before = net.alpha.clone()
    net.copy_row(1, 2)
    assert torch.equal(net.alpha[2], before[1])
    assert torch.equal(net.alpha[[0, 1, 3, 4]], before[[0, 1, 3, 4]])


def test_rotations_are_rotations() -> None:
    out = RSCNet(TINY).eval()(torch.randn(3, 3, 96, 64), torch.tensor([0, 1, 2]))
    eye = out.rotmats @ out.rotmats.mT
    assert (eye - torch.eye(3)).abs().max() < 1e-5
    assert torch.allclose(torch.linalg.det(out.rotmats), torch.ones(3, 24), atol=1e-5)


def test_iterates_of_the_regressor() -> None:
    regressor = RSCNet(TINY).eval().regressor
    phi = torch.randn(3, TINY.features)
    with torch.no_grad():
        found = regressor.iterates(phi)
        assert len(found) == TINY.iterations + 1
        for value, start in zip(found[0], regressor.buffers(), strict=True):
            assert torch.equal(value, start.expand(3, -1))  # the mean person, for everybody
        for a, b in zip(regressor(phi), found[-1], strict=True):
            assert torch.equal(a, b)
        # The loop has no memory: going on from an iterate is what a longer loop does.
        further = regressor.iterates(phi, 2, start=found[-1])
        for a, b in zip(further[-1], regressor.iterates(phi, TINY.iterations + 2)[-1], strict=True):
            assert torch.equal(a, b)
        assert len(regressor.iterates(phi, 0)) == 1
    # Dropout draws as it always has: the same seed, the same result, step by step.
    regressor.train()
    torch.manual_seed(3)
    pose, betas, cam = (v.expand(3, -1) for v in regressor.buffers())
    for _ in range(TINY.iterations):
        x = torch.cat([phi, pose, betas, cam], 1)
        for layer in (regressor.fc1, regressor.fc2):
            x = regressor.dropout(layer(x).relu())
        pose, betas, cam = (
            pose + regressor.decpose(x), betas + regressor.decshape(x), cam + regressor.deccam(x)
        )  # fmt: skip
    torch.manual_seed(3)
    for a, b in zip(regressor(phi), (pose, betas, cam), strict=True):
        assert torch.equal(a, b)


def test_impossible_shapes_of_a_network_are_refused() -> None:
    with pytest.raises(RscError, match="multiple of 32"):
        RSCNet(NetConfig(image_size=100))
    with pytest.raises(RscError, match="norm is"):
        RSCNet(NetConfig(norm="per range"))
