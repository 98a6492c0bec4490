"""COCO's people: 17 points each.

.. code-block:: text

    coco/annotations/person_keypoints_train2014.json
    coco/train2014/COCO_train2014_000000000009.jpg

As in SPIN, those of whom all twelve points of arms and legs are marked.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from rsclib.errors import RscError
from rsclib.readers.found import Found, file, folder
from rsclib.readers.spin_npz import inside

# Keypoint rows of COCO's 17 points; the last twelve are those of arms and legs.
ROWS = (19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0)
LIMBS = 12
MARGIN = 1.2
MOST = 2**30  # bytes of a file


def read_coco(root: Path, part: str = "train2014") -> Found:
    """People of a part of COCO.

    Raises:
        RscError: the folder, labels or pictures are missing, or of another form.
    """
    home = folder(root, "coco", "COCO", f"annotations/ and {part}/ in it")
    path = file(home / f"annotations/person_keypoints_{part}.json", "COCO's labels")
    document = _json(path)
    try:
        files = {int(image["id"]): str(image["file_name"]) for image in document["images"]}
        chosen = [a for a in document["annotations"] if _whole(a["keypoints"])]
        if not chosen:
            raise ValueError("nobody in it has all points of arms and legs")
        boxes = np.array([a["bbox"] for a in chosen], np.float32).reshape(-1, 4)
        points = np.array([a["keypoints"] for a in chosen], np.float32).reshape(-1, 17, 3)
        names = [inside(f"{part}/{files[int(a['image_id'])]}", path) for a in chosen]
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise RscError(f"{path} is not a file of COCO's keypoints: {reason}") from error
    keypoints = np.zeros((len(chosen), 24, 3), np.float32)
    keypoints[:, ROWS] = points
    keypoints[..., 2] = keypoints[..., 2] > 0
    centre = (boxes[:, :2] + boxes[:, 2:] / 2).astype(np.float32)
    side = (MARGIN * boxes[:, 2:].max(1)).astype(np.float32)
    clips = np.array([Path(name).stem for name in names])
    return Found("coco", path, home, names, centre, side, keypoints, clips).check_images()


def _whole(keypoints: Any) -> bool:
    """Whether all points of arms and legs are marked."""
    return len(keypoints) == 51 and all(keypoints[3 * i + 2] > 0 for i in range(17 - LIMBS, 17))


def _json(path: Path) -> dict[str, Any]:
    try:
        if os.path.getsize(path) > MOST:
            raise ValueError(f"it is larger than {MOST // 2**20} MB")
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict):
            raise ValueError("it holds no object")
        return document
    except OSError as error:
        raise RscError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise RscError(f"{path} is damaged or not JSON: {error}; get it again") from error
