"""The images that a user's words name: files, folders of images, and patterns that no shell expanded."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from rsclib.errors import RscError

# What a folder's files are told apart by; which of them can be read is for rsclib.files.photos.
IMAGES = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".heic",
    ".heif", ".avif",
)  # fmt: skip


def images_named(words: Sequence[str], frames: bool = False) -> list[str]:
    """Each word as the files that it names, in the order of the words and of the files' names.

    A folder names the images in it (not those of folders in it), a pattern such as ``*.jpg`` what
    fits it; any other word is taken as it is, there or not. A file that is named twice is kept once.

    Args:
        frames: folders hold the frames of a video each, and are left as they are.

    Raises:
        RscError: a folder holds no image or cannot be read, or a pattern fits nothing.
    """
    found: list[str] = []
    for word in words:
        if os.path.lexists(word) or not glob.has_magic(word):
            named = [word]
        elif not (named := sorted(glob.glob(word))):
            raise RscError(f"no file is called like {word}; check the pattern")
        for name in named:
            found += _in_folder(Path(name)) if os.path.isdir(name) and not frames else [name]
    return list(dict.fromkeys(found))


def _in_folder(folder: Path) -> list[str]:
    try:
        files = sorted(
            path for path in folder.iterdir()
            if path.suffix.lower() in IMAGES and path.name[0] != "." and path.is_file()
        )  # fmt: skip
    except OSError as error:
        raise RscError(f"cannot read {folder}: {error.strerror}; check the path") from error
    if not files:
        raise RscError(f"there are no images in the folder {folder}")
    return [str(path) for path in files]
