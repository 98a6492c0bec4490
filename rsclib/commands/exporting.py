"""``rsc export``: checkpoints out, as safetensors with a model card and as ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from rsclib.commands.output import one_line
from rsclib.errors import RscError


@dataclass(frozen=True)
class Export:
    """Write a model for others: as ONNX (any runtime, no PyTorch), or as safetensors with a model card.

    ONNX holds the network alone, never a body: normalised images (B, 3, S, S) and range_index (B,) in;
    rotmats, betas, cam and phi out. rsclib.onnx_files.OnnxModel runs it.

    Examples: rsc export full --onnx runs/full.onnx
              rsc export RSC-Net.pt --safetensors runs/rsc-net.safetensors --onnx runs/rsc-net.onnx
    """

    model: tyro.conf.Positional[str]
    """A shipped model (full, photo, spin, hr-only), a .safetensors file, or a checkpoint of the released
    RSC-Net, of SPIN or of MandyMo's HMR."""
    onnx: Path | None = None
    """Write it here; needs the extra "export" (onnx, onnxscript)."""
    safetensors: Path | None = None
    """Write it here in 32 bits, and beside it what it is (.md)."""


def export(options: Export) -> None:
    """Write what is asked for, and say where."""
    from rsclib.files.atomic import check_writable, sha256, write_text
    from rsclib.models import model_file, network_named

    if options.onnx is None and options.safetensors is None:
        raise RscError("say what to write: --onnx FILE, --safetensors FILE, or both")
    for path, suffix in ((options.onnx, ".onnx"), (options.safetensors, ".safetensors")):
        if path is not None and path.suffix != suffix:
            raise RscError(f"{path} does not end with {suffix}")
        if path is not None:
            check_writable(path.parent)
    file = model_file(options.model)
    net = network_named(options.model)
    if options.safetensors is not None:
        from rsclib.checkpoints import read_header, save_model

        source = {"exported_from": {"file": file.name, "sha256": sha256(file)}}
        ours = file.suffix == ".safetensors"
        about = (read_header(file)["about"] if ours else {}) | source
        save_model(options.safetensors, net, about, half=False)
        card = options.safetensors.with_suffix(".md")
        write_text(card, model_card(options.safetensors, net, about))
        print(f"{one_line(options.safetensors)}\n{one_line(card)}")
    if options.onnx is not None:
        from rsclib.onnx_files import export_onnx

        export_onnx(net, options.onnx, Path(options.model).name)
        print(one_line(options.onnx))


def model_card(path: Path, net: Any, about: dict[str, Any]) -> str:
    """What whoever gets the file must know, as Markdown."""
    import dataclasses

    from rsclib.checkpoints import read_header
    from rsclib.network import RSCNet

    header, origin = read_header(path), about["exported_from"]
    settings = "\n".join(f"| {k} | {v} |" for k, v in dataclasses.asdict(net.config).items())
    body = net.trained_on or about.get("body") or {"name": "not known", "digest": ""}
    licence = (
        "Trained on the open benchmark: see NOTICE of rsclib."
        if body["name"] == "open" else
        "Trained on licensed data, with SMPL: for your own research only, unless its authors say "
        "otherwise. Do not publish it."
    )  # fmt: skip
    facts = {
        "kind": header["kind"], "parameters": f"{sum(p.numel() for p in net.parameters()):,}",
        "from": f"{origin['file']}, SHA-256 {origin['sha256']}", "body": body["name"],
        "body's digest": body["digest"] or "not known", "content's SHA-256": header["sha256"],
        "training data": about.get("data", "see the file's header"),
        "command": " ".join(about.get("command", [])) or "not known",
    }  # fmt: skip
    table = "\n".join(f"| {key} | {value} |" for key, value in facts.items())
    scored = (
        f"\nOr `rsc eval {path.name}`. Rendered or real, pictures are crops that the person fills to about "
        "83 %; on photographs expect a rough pose at best.\n"
    )
    return (
        f"# {path.stem}\n\n{licence}\n\n| | |\n|---|---|\n{table}\n\n## Settings\n\n| | |\n|---|---|\n"
        f"{settings}\n\n## Use\n\n```python\nfrom rsclib.checkpoints import load_model\n\n"
        f'net = load_model("{path.name}")\n```\n{scored if isinstance(net, RSCNet) else ""}'
    )
