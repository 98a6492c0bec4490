"""Build ``rsclib/assets/scenes.npz``: panoramas of real places with the light measured in them.

    npm pack @pmndrs/assets@1.7.0
    python benchmarks/assets/build_scenes.py --package pmndrs-assets-1.7.0.tgz

The package carries 18 high-dynamic-range panoramas, CC0. For each one this keeps a JPEG (what the
background shows) and nine spherical-harmonic coefficients per colour of its irradiance (what light
falls on a person standing there), so that people are lit by the place they stand in. The three
ground and wall textures are public-domain photographs from the scikit-image wheel.

Needs the extra ``assets``: ``pip install -e '.[assets]'``.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter

from rsclib.files.atomic import atomic_path

TEXTURES = ("brick.png", "grass.png", "gravel.png")


def read_exr(data: bytes) -> np.ndarray:
    """Linear RGB (H, W, 3) float32 of an OpenEXR file's bytes."""
    import OpenEXR

    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(data)
        file.flush()
        with OpenEXR.File(file.name) as exr:
            channels = exr.channels()
            if "RGB" in channels:
                return channels["RGB"].pixels.astype(np.float32)
            return np.stack([channels[c].pixels for c in "RGB"], -1).astype(np.float32)


def repair(panorama: np.ndarray) -> np.ndarray:
    """Lossy compression rings around lamps and the sun: negative or undefined values become bright."""
    broken = (~np.isfinite(panorama) | (panorama < 0)).any(-1)
    clean = np.nan_to_num(panorama, nan=0.0, posinf=1e3).clip(0)
    clean[broken] = maximum_filter(clean, (5, 5, 1))[broken]
    return clean


def directions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit direction (H, W, 3) of each pixel, y up, and its solid angle (H, W)."""
    polar = (np.arange(height) + 0.5) / height * np.pi
    azimuth = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    polar, azimuth = np.meshgrid(polar, azimuth, indexing="ij")
    vectors = np.stack(
        [np.sin(polar) * np.sin(azimuth), np.cos(polar), np.sin(polar) * np.cos(azimuth)], -1
    )
    return vectors, np.sin(polar) * (np.pi / height) * (2 * np.pi / width)


def harmonics(n: np.ndarray) -> np.ndarray:
    """The nine real spherical harmonics up to degree 2 of unit vectors (..., 3) -> (..., 9)."""
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    one = np.ones_like(x)
    return np.stack(
        [
            0.282095 * one,
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        -1,
    )


def light(panorama: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Irradiance coefficients (9, 3), mean irradiance 1, and the main light's direction (3,)."""
    vectors, solid_angle = directions(*panorama.shape[:2])
    # A sun of 30,000 would leave everything else black; a soft limit keeps its direction.
    radiance = np.minimum(panorama, np.percentile(panorama, 99.5) * 12)
    basis = harmonics(vectors)
    coefficients = np.einsum("hwk,hwc,hw->kc", basis, radiance, solid_angle)
    # Lambert's cosine lobe in the same basis (Ramamoorthi and Hanrahan, 2001).
    lobe = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5) / np.pi
    coefficients = coefficients * lobe[:, None]
    coefficients /= (coefficients[0] * 0.282095).mean()
    luminance = (radiance.mean(-1) * solid_angle)[..., None]
    bright = np.where(radiance.mean(-1, keepdims=True) > np.percentile(radiance, 98), 1.0, 0.02)
    main = (vectors * luminance * bright * (vectors[..., 1:2] > 0.1)).sum((0, 1))
    return coefficients.astype(np.float32), (main / np.linalg.norm(main)).astype(np.float32)


def tone_map(panorama: np.ndarray) -> np.ndarray:
    """sRGB uint8 of linear radiance, exposed for the mid-tones."""
    exposed = panorama / np.percentile(panorama.mean(-1), 60) * 0.35
    curve = exposed * (1 + exposed / 4) / (1 + exposed)  # soft shoulder, white at 4
    return np.uint8(np.clip(curve, 0, 1) ** (1 / 2.2) * 255 + 0.5)


def jpeg(image: np.ndarray, quality: int = 93) -> np.ndarray:
    """JPEG bytes of an RGB image as a uint8 vector."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=Path, required=True, help="pmndrs-assets-1.7.0.tgz")
    parser.add_argument("--out", type=Path, default=Path("rsclib/assets/scenes.npz"))
    args = parser.parse_args()

    entries: dict[str, np.ndarray] = {}
    names, sh, main_light = [], [], []
    with tarfile.open(args.package) as archive:
        members = sorted(m.name for m in archive if re.fullmatch(r".*/hdri/\w+\.exr\.js", m.name))
        for member in members:
            source = archive.extractfile(member)
            assert source is not None
            match = re.search(rb"base64,([A-Za-z0-9+/=]+)", source.read())
            assert match is not None, member
            panorama = repair(read_exr(base64.b64decode(match.group(1))))
            name = Path(member).name.split(".")[0]
            names.append(name)
            coefficients, direction = light(panorama)
            sh.append(coefficients)
            main_light.append(direction)
            entries[f"panorama_{name}"] = jpeg(tone_map(panorama))
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    for file in TEXTURES:
        image = (
            Image.open(folder / file).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
        )
        # A metre of floor is a few dozen pixels in the pictures: finer grain would only be noise.
        smooth = gaussian_filter(np.asarray(image, np.float32), (1.2, 1.2, 0), mode="wrap")
        entries[f"texture_{Path(file).stem}"] = jpeg(np.uint8(smooth), 90)
    meta = {
        "panoramas": "npm package @pmndrs/assets 1.7.0, folder hdri, CC0 1.0",
        "textures": f"scikit-image {skimage.__version__}, skimage/data: {', '.join(TEXTURES)}",
        "command": "python benchmarks/assets/build_scenes.py --package pmndrs-assets-1.7.0.tgz",
    }
    with atomic_path(args.out) as temporary:
        np.savez(
            temporary,
            names=np.array(names),
            irradiance=np.stack(sh),
            main_light=np.stack(main_light),
            meta=np.array(json.dumps(meta)),
            **entries,
        )
    print(f"{args.out}: {len(names)} panoramas, {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
