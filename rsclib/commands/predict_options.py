"""The options of ``rsc predict`` and ``rsc fetch``, and what ``--help`` says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro


@dataclass(frozen=True)
class Predict:
    """Estimate the body of the person in each of your own images, or of the people in your videos.

    The shipped models have only ever seen rendered people: on a real photograph expect a rough
    pose at best. The network always answers, person or not. A warning is printed where picture or
    box look useless, or the mirrored picture gives another pose ("unsure"); none proves nothing.

    Each image gives NAME.obj (mesh), NAME.npz (numbers) and NAME.png (picture) in --out. Each video
    gives NAME.mp4 (bodies over the film), NAME.html (bodies to turn, in any browser) and, for each
    person, NAME-personN.npz (motion in AMASS's layout). A video that was stopped goes on.

    Examples: rsc predict photo.jpg
              rsc predict a.jpg b.png --model hr-only --out runs/mine
              rsc predict --box 310 80 120 260 group.jpg
              rsc predict clip.mp4 --track            people walk before a still camera
              rsc predict clip.mp4 --tracks boxes.csv --webp
              rsc predict folder_of_frames --fps 25 --box 310 80 120 260
    """

    images: tyro.conf.Positional[tuple[str, ...]]
    """JPEG, PNG, WebP, TIFF, BMP, GIF or PPM files, one person each; videos (mp4, avi, gif, webm,
    mov, mkv), or folders that hold the frames of one."""
    model: str = "full"
    """A shipped model (full, hr-only), a .safetensors file, or the checkpoint of the released
    RSC-Net or of SPIN."""
    out: Path = Path("runs/predict")
    box: Annotated[
        tuple[float, float, float, float] | None, tyro.conf.arg(metavar="X Y WIDTH HEIGHT")
    ] = None
    """x y width height of the person in pixels, with a small margin, the same for all images and
    frames; default: the whole image. The longer side decides the resolution range."""
    tracks: Path | None = None
    """Of a video: CSV of boxes tight around the people, columns person,frame,x,y,w,h, in pixels;
    frames count from 0."""
    track: tyro.conf.FlagCreatePairsOff[bool] = False
    """Of a video whose camera stands still: find the people who walk alone, by what differs from
    the background. Their boxes are written as NAME.csv."""
    fps: float | None = None
    """Frames a second of a video; a folder of frames needs it."""
    webp: tyro.conf.FlagCreatePairsOff[bool] = False
    """Of a video: write an animated NAME.webp, too."""
    temporal: bool = False
    """Of a video: let the temporal module of the model full read the features of all frames."""


@dataclass(frozen=True)
class Fetch:
    """Fetch what is not shipped, checked by its checksum, into the cache folder (RSC_CACHE, else
    ~/.cache/rsclib).

    street: vtest.avi, pedestrians before a surveillance camera (768 x 576, 795 frames), 8 MB. On
    Debian and its kin it is taken out of the package opencv-doc (a download of 96 MB, nothing is
    installed), elsewhere it comes from OpenCV's repository. The frames are those of PETS 2009,
    University of Reading: for research, and to be acknowledged.

    Example: rsc fetch street
             rsc predict ~/.cache/rsclib/street/vtest.avi --track
    """

    NAMES: ClassVar[tuple[str, ...]] = ("street",)

    names: Annotated[
        tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME ...", help="street")
    ]
