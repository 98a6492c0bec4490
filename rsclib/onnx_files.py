"""Our networks as ONNX files, and any such file as a predictor: no PyTorch where they are run.

The file takes what the network takes, normalised images (B, 3, S, S) and range_index (B,), and gives
rotmats (B, 24, 3, 3), betas (B, 10), cam (B, 3) and phi (B, C); B is free. What must be known to feed
it stands in its metadata. Bodies are not in it: SMPL's licence would not allow that.

Needs the packages of the extra ``export``: onnx, onnxscript (to write), onnxruntime (to run).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rsclib.anyone import Info, Look
from rsclib.body import Body
from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path
from rsclib.files.npz import is_file
from rsclib.models import check_body
from rsclib.network import RSCNet
from rsclib.predictor import prepared
from rsclib.resolution import PRESETS, enlarge

INPUTS, OUTPUTS = ("images", "range_index"), ("rotmats", "betas", "cam", "phi")
FORMAT = "rsclib-onnx-1"
_FACTS = ("format", "name", "body", "image_size", "ranges", "pixels")


class Plain(nn.Module):
    """The network in evaluation, without what only training needs."""

    def __init__(self, net: RSCNet) -> None:
        super().__init__()
        self.net = net.eval()

    def forward(self, images: Tensor, range_index: Tensor) -> tuple[Tensor, ...]:
        """As :meth:`rsclib.network.RSCNet.forward`, a tuple in the order of :data:`OUTPUTS`."""
        trunk = self.net.trunk
        # In evaluation each sample has its own affine map; the runs of a batch are not needed.
        groups: Any = (range_index, []) if trunk.per_range else None
        z = trunk.pool(trunk.bn1(trunk.conv1(images), groups).relu())
        alpha, k = trunk.alpha[range_index], 0
        for stage in trunk.layers:
            for block in stage:  # type: ignore[attr-defined]
                z = block(z, alpha[:, k], groups)
                k += 1
        phi = z.mean((2, 3))
        pose, betas, cam = self.net.regressor(phi)
        return self.net.rotmats_of(pose), betas, cam, phi


def needed(*names: str) -> None:
    """Import packages of the extra ``export``.

    Raises:
        RscError: one is not installed; the line says how to install it.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise RscError(
                f"ONNX needs the package {name}: install the extra, pip install 'rsclib[export]'"
            ) from error


def export_onnx(net: nn.Module, path: Path, name: str) -> None:
    """Write a network as ONNX, whole or not at all.

    Args:
        name: of the model, for the metadata.

    Raises:
        RscError: it is no RSC-Net, a package is missing, or the disk refuses.
    """
    if not isinstance(net, RSCNet):
        raise RscError(
            f"{name} holds a network of the kind {getattr(net, 'kind', '?')!r}; RSC-Net's kind can be "
            "written as ONNX"
        )
    needed("onnx", "onnxscript")
    size = net.config.image_size
    plain = Plain(net.cpu().to(memory_format=torch.contiguous_format))  # type: ignore[call-overload]
    example = torch.zeros(2, 3, size, size), torch.tensor([0, net.config.ranges - 1])
    batch = torch.export.Dim("batch", min=1, max=65_536)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            plain, example, dynamo=True, input_names=list(INPUTS), output_names=list(OUTPUTS),
            dynamic_shapes=({0: batch}, {0: batch}), optimize=True, verbose=False,
        )  # fmt: skip
    assert program is not None
    facts = {
        "format": FORMAT, "name": name, "body": json.dumps(net.trained_on or {}),
        "image_size": str(size), "ranges": str(net.config.ranges), "pixels": net.config.pixels,
    }  # fmt: skip
    program.model.metadata_props.update(facts)
    with atomic_path(path) as temporary:
        program.save(temporary, external_data=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of the exporter's own talk on the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class OnnxNet:
    """An ONNX file of ours, run by onnxruntime.

    Attributes:
        facts: its metadata. trained_on, source: as of a network (:func:`rsclib.models.check_body`).

    Raises:
        RscError: onnxruntime or the file is missing, or it is none of ours.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        needed("onnxruntime")
        import onnxruntime

        if not is_file(path):
            raise RscError(f"there is no ONNX file at {path}; rsc export writes one")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 4
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            facts = dict(self.session.get_modelmeta().custom_metadata_map)
            inputs = [i.name for i in self.session.get_inputs()]
            outputs = [o.name for o in self.session.get_outputs()]
            if facts.get("format") != FORMAT or (inputs, outputs) != (list(INPUTS), list(OUTPUTS)):
                raise ValueError(
                    "its metadata, inputs or outputs are not those that rsc export writes"
                )
            self.facts: Mapping[str, str] = {key: facts[key] for key in _FACTS}
            self.size, self.ranges = int(facts["image_size"]), int(facts["ranges"])
            body = json.loads(facts["body"])
            self.trained_on = {k: str(body[k]) for k in ("name", "digest")} if body else None
        except Exception as error:  # a malformed file can raise almost anything
            reason = str(error).partition("\n")[0][:300]
            raise RscError(f"{path} is no ONNX file of rsclib: {reason}") from error
        self.source = Path(path).name

    def __call__(self, images: Tensor, range_index: Tensor) -> dict[str, NDArray[np.float32]]:
        """Normalised images (B, 3, S, S) and range_index (B,) to arrays by :data:`OUTPUTS`."""
        given = {
            "images": images.contiguous().numpy().astype(np.float32, copy=False),
            "range_index": range_index.numpy().astype(np.int64, copy=False),
        }
        return dict(zip(OUTPUTS, self.session.run(list(OUTPUTS), given), strict=True))


class OnnxModel:
    """The same as a model for :class:`rsclib.anyone.Outside`: an example of its two methods.

    Raises:
        RscError: as :class:`OnnxNet`, or the body is another than it was trained on.
    """

    def __init__(self, path: str | Path, body: Body, threads: int = 0) -> None:
        self.net, self.body = OnnxNet(path, threads), body
        check_body(self.net, body)  # type: ignore[arg-type]
        known = [
            r for r in PRESETS.values() if (r.full, r.count) == (self.net.size, self.net.ranges)
        ]
        if not known:
            raise RscError(f"{path}: no ranges are known for {self.net.size} px")
        self.ranges = known[0]

    def info(self) -> Info:
        """See :class:`rsclib.anyone.Model`."""
        return Info(f"{self.net.facts['name']} (ONNX)", 14, "", "", "rsc export")

    def predict(self, look: Look) -> Tensor:
        """See :class:`rsclib.anyone.Model`: enlarged, normalised, through the file, to joints."""
        images = enlarge(look.images, self.net.size)
        seen = prepared(images, self.net.facts["pixels"])
        index = self.ranges.index(look.size).expand(len(images))
        found = self.net(seen, index)
        with torch.inference_mode():
            rotmats, betas = (torch.from_numpy(found[key]) for key in ("rotmats", "betas"))
            return self.body.joints(rotmats, betas).joints14
