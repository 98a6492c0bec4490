"""From pixels to a body, the one way for evaluation, pictures and a user's photographs.

Whatever can say ``joints14(images, size)`` is a :class:`Predictor` and can be scored beside ours:
a network of ours (:class:`NetPredictor`) or anybody's.
"""

from __future__ import annotations

import functools
from typing import Protocol

import torch
from torch import Tensor, nn

from rsclib.body import Body, load_body
from rsclib.errors import RscError
from rsclib.models import SHIPPED, check_body, network_named
from rsclib.network import Prediction, RSCNet
from rsclib.resolution import PRESETS, Ranges, degrade, normalise, stretch_batch_as_released
from rsclib.superres import SharpNet, as_bytes
from rsclib.temporal import Temporal

BATCH = 64  # frames of a video at a time


class Predictor(Protocol):
    """What :mod:`rsclib.evaluate` asks for."""

    def joints14(self, images: Tensor, size: int) -> Tensor:
        """Evaluation joints (B, 14, 3), metres, relative to the pelvis, of uint8 images
        (B, 3, S, S) that are shrunk to ``size`` pixels first."""


def ranges_of(net: RSCNet) -> Ranges:
    """The resolution ranges that a network was made for.

    Raises:
        RscError: none of the known ones has its size and number.
    """
    size, count = net.config.image_size, net.config.ranges
    for ranges in PRESETS.values():
        if (ranges.full, ranges.count) == (size, count):
            return ranges
    raise RscError(f"no ranges are known for a model of {size} px and {count} ranges; use another")


def prepared(images: Tensor, pixels: str) -> Tensor:
    """What a network sees of images (B, 3, S, S) uint8, by its ``config.pixels``."""
    return images.flip(1).float() / 255 if pixels == "opencv" else normalise(images)


class NetPredictor:
    """A network with its body and its ranges.

    Args:
        body: None loads the usual one when joints are asked for.
        ranges: those that the network was made for; by default its size and number tell.
        released_pixels: shrunk images get the contrast that the released code gives them
            (:func:`rsclib.resolution.stretch_as_released`); published numbers were made so.

    Raises:
        RscError: the network was trained on another body.
    """

    def __init__(
        self, net: RSCNet, body: Body | None = None, ranges: Ranges | None = None,
        released_pixels: bool = False,
    ) -> None:  # fmt: skip
        self.released_pixels = released_pixels
        if body is not None:
            check_body(net, body)
        self.net, self.ranges = net, ranges_of(net) if ranges is None else ranges
        self.device = next(net.parameters()).device
        if body is not None:
            self.body = body.to(self.device)

    @functools.cached_property
    def body(self) -> Body:
        """The body whose joints are predicted."""
        body = load_body()
        check_body(self.net, body)
        return body.to(self.device)

    def __call__(self, images: Tensor, native: int) -> Prediction:
        """What the network makes of images that were enlarged from ``native`` pixels a side.

        Args:
            images: (B, 3, S, S) uint8, S a multiple of 32.

        Raises:
            RscError: another shape or type, or an output that is not finite.
        """
        sides = images.shape[2:]
        if images.ndim != 4 or images.shape[1] != 3 or any(side % 32 or not side for side in sides):
            shape = tuple(images.shape)
            raise RscError(f"images must be (B, 3, S, S) with S a multiple of 32, not {shape}")
        if images.dtype != torch.uint8:
            raise RscError(f"images must be bytes from 0 to 255 (uint8), not {images.dtype}")
        with torch.inference_mode():
            index = self.ranges.index(native).to(self.device).expand(len(images))
            prediction = self.net(self.prepared(images.to(self.device)), index)
        if not all(bool(value.isfinite().all()) for value in prediction):
            raise RscError("the model's output is not finite; use another model")
        return prediction

    def prepared(self, images: Tensor) -> Tensor:
        """What the network sees of images (B, 3, S, S) uint8."""
        return prepared(images, self.net.config.pixels)

    def at(self, images: Tensor, size: int) -> Prediction:
        """The same after the images are shrunk to ``size`` pixels and enlarged again, bicubic."""
        images = images.to(self.device)
        if self.released_pixels and size < images.shape[-1]:
            images = stretch_batch_as_released(images)
        return self(degrade(images, size), size)

    def joints14(self, images: Tensor, size: int) -> Tensor:
        """See :class:`Predictor`."""
        return self.joints17(images, size)[:, :14]

    def joints17(self, images: Tensor, size: int) -> Tensor:
        """The same 14 joints and three more (B, 17, 3): what SPIN scores on MPI-INF-3DHP."""
        prediction = self.at(images, size)
        with torch.inference_mode():
            return self.body.joints(prediction.rotmats, prediction.betas).joints17.cpu()


class VideoPredictor:
    """An image network with a temporal module over its features: what it is given are the frames of one
    video, in order.

    Raises:
        RscError: the module was made for other features, or on another body.
    """

    def __init__(self, frames: NetPredictor, module: Temporal) -> None:
        length = frames.net.config.features
        if module.config.features != length:
            raise RscError(
                f"{module.source} was made for features of length {module.config.features}, and "
                f"{frames.net.source} has {length}; name the network that it was trained on"
            )
        check_body(module, frames.body)
        self.frames, self.module = frames, module.to(frames.device).eval()
        self.ranges, self.body, self.net = frames.ranges, frames.body, frames.net

    def bodies(self, phi: Tensor) -> Prediction:
        """T bodies from the features phi (T, C) of T frames in order."""
        with torch.inference_mode():
            return self.module(phi[None])

    def at(self, images: Tensor, size: int) -> Prediction:
        """T bodies from T frames (T, 3, S, S) uint8, shrunk to ``size`` pixels first."""
        phi = torch.cat([self.frames.at(some, size).phi for some in images.split(BATCH)])
        return self.bodies(phi)

    def joints14(self, images: Tensor, size: int) -> Tensor:
        """See :class:`Predictor`."""
        prediction = self.at(images, size)
        with torch.inference_mode():
            return self.body.joints(prediction.rotmats, prediction.betas).joints14.cpu()


class SharpPredictor(NetPredictor):
    """ImgSR: the image, enlarged bicubic as for every network, is sharpened before it is looked at.

    Arguments and errors as of :class:`NetPredictor`.
    """

    def __init__(
        self, net: SharpNet, body: Body | None = None, ranges: Ranges | None = None,
        released_pixels: bool = False,
    ) -> None:  # fmt: skip
        net.net.source, net.net.trained_on = net.source, net.trained_on
        super().__init__(net.net, body, ranges, released_pixels)
        self.rdn = net.rdn

    def prepared(self, images: Tensor) -> Tensor:
        """The sharper images (B, 3, S, S), normalised."""
        sharper: Tensor = self.rdn(normalise(images))
        return sharper

    def sharpened(self, images: Tensor, size: int) -> Tensor:
        """Images (B, 3, S, S) uint8, shrunk to ``size``, enlarged and sharpened, as pictures, uint8."""
        with torch.inference_mode():
            return as_bytes(self.prepared(degrade(images.to(self.device), size))).cpu()


def predictor_of(
    net: nn.Module, body: Body | None = None, ranges: Ranges | None = None,
    released_pixels: bool = False,
) -> NetPredictor:  # fmt: skip
    """The predictor of a network of any kind that finds bodies in images.

    Raises:
        RscError: of another kind, or trained on another body.
    """
    match net:
        case RSCNet():
            return NetPredictor(net.eval(), body, ranges, released_pixels)
        case SharpNet():
            return SharpPredictor(net.eval(), body, ranges, released_pixels)
    raise RscError(
        f"{getattr(net, 'source', 'this')} holds a network of the kind {getattr(net, 'kind', '?')!r}; "
        f"here an RSC-Net is needed ({', '.join(SHIPPED)}, or a model that rsc train wrote) or an ImgSR"
    )


def predictor_named(name: str, body: Body | None = None) -> NetPredictor:
    """The predictor of a model, named as for :func:`rsclib.models.network_named`.

    Raises:
        RscError: see there and :func:`predictor_of`.
    """
    return predictor_of(network_named(name), body)
