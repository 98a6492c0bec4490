"""RDN, ImgSR's sharpener, at the size that its row uses: image by image and in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.speed.measure import Case, differences, largest, with_first
from rsclib.superres import RDN, RdnConfig


def sharpening(quick: bool) -> Iterator[Case]:
    """Pictures to sharper ones, without a gradient."""
    batch, side = (2, 32) if quick else (16, 128)
    net = RDN(RdnConfig()).eval()
    torch.nn.init.normal_(net.last.weight, std=0.01)  # it starts as the identity
    images = torch.randn(batch, 3, side, side)
    close = {"memory_format": torch.channels_last}
    packed = RDN(RdnConfig()).eval()
    packed.load_state_dict(net.state_dict())
    packed = packed.to(**close)  # type: ignore[call-overload]

    @torch.inference_mode()
    def one_by_one() -> Tensor:
        return torch.cat([net(images[k : k + 1]) for k in range(batch)])

    @torch.inference_mode()
    def whole(which: RDN, pictures: Tensor) -> Tensor:
        return which(pictures)  # type: ignore[no-any-return]

    runs: dict[str, Callable[[], Tensor]] = {
        "one by one": one_by_one,
        "whole batch": lambda: whole(net, images),
        "whole batch, channels_last": lambda: whole(packed, images.contiguous(**close)),
    }
    pairs = with_first(runs)
    yield Case(
        "sharpening", f"RDN, {batch} images of {side} px", runs, dict.fromkeys(runs, batch), pairs,
        differences(runs, pairs, largest), "pixels (normalised)", dict.fromkeys(runs, 1e-4),
        "whole batch",
    )  # fmt: skip
