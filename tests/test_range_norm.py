"""Statistics of each range's own: equal to plain layers, one for each range."""

import pytest
import torch

from rsclib.errors import RscError
from rsclib.network import NetConfig, RSCNet
from rsclib.range_norm import RangeNorm, grouped, measure, soften


def test_training_equals_one_plain_layer_a_range() -> None:
    x, index = torch.randn(12, 6, 5, 5), torch.arange(3).repeat_interleave(4)
    ours, plain = RangeNorm(6, 3), [torch.nn.BatchNorm2d(6) for _ in range(3)]
    y = ours(x, grouped(index))
    for row in range(3):
        torch.testing.assert_close(y[index == row], plain[row](x[index == row]))
        torch.testing.assert_close(ours.running_mean[row], plain[row].running_mean)
        torch.testing.assert_close(ours.running_var[row], plain[row].running_var)
    ours.eval()
    mixed = torch.tensor([2, 0, 1, 0])
    y = ours(x[:4], grouped(mixed))
    for i, row in enumerate(mixed.tolist()):
        torch.testing.assert_close(y[i], plain[row].eval()(x[i : i + 1])[0])


def test_one_set_is_the_plain_layer() -> None:
    x = torch.randn(4, 6, 5, 5)
    torch.testing.assert_close(RangeNorm(6)(x), torch.nn.BatchNorm2d(6)(x))
    assert RangeNorm(6).state_dict().keys() == torch.nn.BatchNorm2d(6).state_dict().keys()


def test_per_range_starts_as_the_same_function_and_any_order_will_do() -> None:
    net = RSCNet(NetConfig.edu())
    x, index = torch.randn(6, 3, 64, 64), torch.tensor([4, 0, 2, 0, 4, 2])
    net(x, index)  # statistics that differ from those of a new network
    own = net.eval().per_range()
    torch.testing.assert_close(own(x, index), net(x, index), rtol=1e-4, atol=1e-4)
    order = index.argsort(stable=True)
    own.trunk.train()
    a, b = own(x, index).phi, own(x[order], index[order]).phi
    torch.testing.assert_close(a[order], b)
    mean = own.trunk.bn1.running_mean
    assert torch.equal(mean[1], mean[3]) and not torch.equal(mean[0], mean[4])
    own.copy_row(0, 1)
    assert torch.equal(mean[0], mean[1])


def test_measured_statistics_are_the_mean_over_the_batches_and_stay() -> None:
    net = RSCNet(NetConfig.edu()).per_range()
    index = torch.arange(3).repeat_interleave(4)
    batches = [(torch.randn(12, 3, 64, 64) + k, index) for k in range(3)]
    measure(net.eval(), batches)
    assert not net.training
    bn, conv = net.trunk.bn1, net.trunk.conv1
    for row in range(3):
        each = [conv(x[index == row]) for x, _ in batches]
        mean = torch.stack([y.mean((0, 2, 3)) for y in each]).mean(0)
        var = torch.stack([y.var((0, 2, 3)) for y in each]).mean(0)
        torch.testing.assert_close(bn.running_mean[row], mean, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(bn.running_var[row], var, rtol=1e-3, atol=1e-4)
    assert torch.equal(bn.running_mean[4], torch.zeros(16))  # a range that was never seen
    before, x = bn.running_mean.clone(), batches[0][0]
    evaluated = net(x, index).phi
    trained = net.train()(x, index).phi  # frozen: training computes the same, and nothing moves
    torch.testing.assert_close(evaluated, trained)
    assert torch.equal(bn.running_mean, before) and not bn.weight.requires_grad
    net.copy_row(0, 1)  # a range that joins keeps what was measured
    assert torch.equal(bn.running_mean, before)


def test_an_unknown_norm_is_refused() -> None:
    with pytest.raises(RscError, match="per_range"):
        RSCNet(NetConfig(norm="group"))


def test_softened_statistics_lie_between_a_range_and_its_larger_neighbour() -> None:
    norm = RangeNorm(3, sets=4)
    norm.running_mean.copy_(torch.randn(4, 3))
    norm.running_var.copy_(torch.rand(4, 3) + 0.5)
    mean, var = norm.running_mean.clone(), norm.running_var.clone()
    soften(torch.nn.Sequential(norm, RangeNorm(3)), 0.25)
    assert torch.equal(norm.running_mean[0], mean[0]) and torch.equal(norm.running_var[0], var[0])
    for row in (1, 2, 3):  # the neighbour's own value, not its softened one
        assert torch.allclose(norm.running_mean[row], 0.75 * mean[row] + 0.25 * mean[row - 1])
        assert torch.allclose(norm.running_var[row], 0.75 * var[row] + 0.25 * var[row - 1])
    before = norm.running_mean.clone()
    soften(norm, 0.0)
    assert torch.equal(norm.running_mean, before)
