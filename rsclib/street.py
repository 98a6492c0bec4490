"""A real street: the surveillance clip ``vtest.avi``, fetched by its checksum, never shipped.

768 x 576 pixels, 795 frames at 10 a second, pedestrians about 80 pixels high before a still camera.
The frames are those of PETS 2009, which the University of Reading lets people use for research when
the source is acknowledged: say so wherever a frame or a number of it is shown.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from rsclib.errors import RscError
from rsclib.files.atomic import atomic_path, check_writable, sha256
from rsclib.files.cache import cache_folder

NAME = "vtest.avi"
SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
BYTES = 8_131_690
PACKAGE = "opencv-doc"  # of Debian, which holds the clip
MEMBER = f"usr/share/doc/{PACKAGE}/examples/data/{NAME}"
URL = f"https://raw.githubusercontent.com/opencv/opencv/4.x/samples/data/{NAME}"
ACKNOWLEDGEMENT = (
    "PETS 2009 benchmark data, University of Reading: free for academic and industrial research when "
    "the source is acknowledged. Do not publish it or frames of it as part of this project."
)
SECONDS = 600  # that a download may take


def street_clip() -> Path | None:
    """Where the clip lies; None where it has not been fetched, or is not whole."""
    path = cache_folder() / "street" / NAME
    return path if path.is_file() and sha256(path) == SHA256 else None


def fetch_street(url: str = URL) -> tuple[Path, str]:
    """Bring the clip into the cache folder.

    On Debian and its kin it is taken out of the package :data:`PACKAGE`, which is downloaded, not
    installed; elsewhere, or where that fails, it comes from OpenCV's own repository.

    Returns:
        Its path and where it came from.

    Raises:
        RscError: it cannot be had, or has another checksum; the cache folder cannot be written.
    """
    if path := street_clip():
        return path, "the cache, where it was already"
    path = cache_folder() / "street" / NAME
    check_writable(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        reasons = []
        for source, fetched in (
            (f"the Debian package {PACKAGE}", lambda: _from_debian(Path(folder))),
            ("OpenCV's repository", lambda: _from_url(url, Path(folder))),
        ):
            try:
                clip = fetched()
                if (found := sha256(clip)) != SHA256:
                    raise RscError(f"its checksum is {found[:16]}…, not {SHA256[:16]}…")
                with atomic_path(path) as temporary:
                    shutil.copyfile(clip, temporary)
                return path, source
            except RscError as error:
                reasons.append(f"{source}: {error}")
    raise RscError(f"the clip cannot be had ({'; '.join(reasons)}); put {NAME} into {path.parent}")


def _from_debian(folder: Path) -> Path:
    """The clip out of the package, unpacked to ``folder`` and nowhere else."""
    tools = ("apt-get", "dpkg-deb")
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        raise RscError(f"there is no {missing[0]} here")
    clip = folder / NAME
    try:
        _run(["apt-get", "download", PACKAGE], folder)
        package = next(folder.glob(f"{PACKAGE}_*.deb"), None)
        if package is None:
            raise RscError("nothing was downloaded")
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(package)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as unpacking:  # fmt: skip
            try:
                with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
                    for member in archive:
                        if member.name.removeprefix("./") == MEMBER and member.isreg():
                            content = archive.extractfile(member)
                            assert content is not None
                            clip.write_bytes(content.read(BYTES + 1))
                            return clip
            finally:
                unpacking.kill()  # the rest is not needed
    except (OSError, tarfile.TarError) as error:
        raise RscError(f"it cannot be unpacked ({error})") from error
    raise RscError(f"there is no {NAME} in it")


def _run(words: list[str], folder: Path) -> None:
    try:
        subprocess.run(
            words, cwd=folder, check=True, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.startswith("E:")]
        reason = said[0].removeprefix("E: ") if said else f"{words[0]} failed"
        raise RscError(f"{reason} (apt-get update may help)") from error
    except subprocess.TimeoutExpired as error:
        raise RscError(f"{words[0]} took more than {SECONDS} s") from error


def _from_url(url: str, folder: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    fetch = pooch.HTTPDownloader(timeout=60)
    try:
        # The checksum is pooch's to check, too: a wrong file does not even get its name.
        return Path(pooch.retrieve(url, f"sha256:{SHA256}", NAME, folder, downloader=fetch))
    except Exception as error:  # of requests, urllib3 or pooch; there is no base for all
        reason = str(error).partition("\n")[0].partition("(Caused")[0]
        raise RscError(f"{type(error).__name__}: {reason[:200]}") from error
