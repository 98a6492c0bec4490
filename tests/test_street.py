"""The street's clip comes by its checksum or not at all; what is measured on it can fail."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.street import Seen, rows_of
from rsclib import street as S
from rsclib.cli import main
from rsclib.errors import RscError

CLIP = b"RIFF a clip of a street that is none"


def package(member: str, content: bytes) -> bytes:
    """What dpkg-deb would unpack of the package: an archive with the clip in it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in (("./usr/share/doc/other", b"x"), (member, content)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, a small clip in place of the real one, and no tools of Debian."""
    monkeypatch.setenv("RSC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(S, "SHA256", hashlib.sha256(CLIP).hexdigest())
    monkeypatch.setattr(S, "BYTES", len(CLIP))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "cache"


def debian(folder: Path, archive: bytes | None) -> None:
    """Stand-ins for apt-get and dpkg-deb; without an archive the package is unknown."""
    (folder / "archive").write_bytes(archive or b"")
    fetch = 'read_it() { while IFS= read -r line; do echo "$line"; done < "$1"; }\n'
    get = (
        f"/bin/cp {folder}/archive opencv-doc_1_all.deb\n" if archive is not None
        else 'echo "E: Unable to locate package opencv-doc" >&2; exit 100\n'
    )  # fmt: skip
    for name, text in (("apt-get", get), ("dpkg-deb", 'exec /bin/cat "$2"\n')):
        (folder / name).write_text("#!/bin/sh\n" + fetch + text)
        (folder / name).chmod(0o755)


@pytest.fixture
def address() -> Iterator[str]:
    """A server on this machine that has the clip, and a wrong one."""

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = CLIP if self.path == "/vtest.avi" else CLIP[::-1]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def left_in(cache: Path) -> set[str]:
    return {str(p.relative_to(cache)) for p in cache.rglob("*") if p.is_file()}


def test_out_of_the_package_then_out_of_the_cache(cache: Path, tmp_path: Path) -> None:
    assert S.street_clip() is None
    debian(tmp_path / "bin", package(f"./{S.MEMBER}", CLIP))
    path, source = S.fetch_street("http://127.0.0.1:9/none")
    assert path.read_bytes() == CLIP and "opencv-doc" in source and S.street_clip() == path
    debian(tmp_path / "bin", None)
    assert "cache" in S.fetch_street("http://127.0.0.1:9/none")[1]
    assert left_in(cache) == {"street/vtest.avi"}
    path.write_bytes(CLIP[:-1])
    assert S.street_clip() is None, "half of it is not it"


@pytest.mark.parametrize(
    "archive", ["no tools", "unknown", "other clip", "no clip", "no archive", "a link"]
)
def test_elsewhere_it_comes_by_its_address(
    cache: Path, tmp_path: Path, address: str, archive: str
) -> None:
    link = io.BytesIO()
    with tarfile.open(fileobj=link, mode="w") as file:
        info = tarfile.TarInfo(f"./{S.MEMBER}")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(info)
    contents = {
        "unknown": None, "other clip": package(f"./{S.MEMBER}", b"another"),
        "no clip": package("./else", CLIP), "no archive": b"no archive" * 99, "a link": link.getvalue(),
    }  # fmt: skip
    if archive != "no tools":
        debian(tmp_path / "bin", contents[archive])
    path, source = S.fetch_street(f"{address}/vtest.avi")
    assert path.read_bytes() == CLIP and source == "OpenCV's repository"
    assert left_in(cache) == {"street/vtest.avi"}


def test_a_wrong_file_is_refused_in_one_line(cache: Path, tmp_path: Path, address: str) -> None:
    debian(tmp_path / "bin", None)
    with pytest.raises(RscError, match="cannot be had") as caught:
        S.fetch_street(f"{address}/wrong.avi")
    said = str(caught.value)
    assert "Unable to locate package" in said and "hash" in said and str(cache) in said
    assert not left_in(cache)


def test_the_command(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    debian(tmp_path / "bin", package(f"./{S.MEMBER}", CLIP))
    assert main(["fetch", "street"]) == 0
    said = capsys.readouterr().out
    assert str(cache / "street" / "vtest.avi") in said and "University of Reading" in said
    for words, message in (
        (["fetch"], "name what to fetch"),
        (["fetch", "road"], "choose from street"),
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


@pytest.mark.skipif("RSC_REAL_STREET" not in os.environ, reason="set RSC_REAL_STREET to test on it")
def test_the_real_clip() -> None:
    from rsclib.files.video import open_video

    clip = S.street_clip()
    assert clip is not None
    video = open_video(clip)
    assert (video.count, video.fps, video.width, video.height) == (795, 10.0, 768, 576)


# --- what is measured ------------------------------------------------------------------------


def joints(people: int = 5, frames: int = 12) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return [0.3 * torch.randn(frames + k, 14, 3, generator=rng).double() for k in range(people)]


def value(rows: list[dict], method: str, metric: str, **where: object) -> float:
    found = [r for r in rows if r["method"] == method and r["metric"] == metric
             and all(r.get(k) == v for k, v in where.items())]  # fmt: skip
    assert len(found) == 1, found
    return found[0]["value"]


def test_the_measures_mean_what_they_say() -> None:
    truth = joints()
    steady = [Seen(j, j) for j in truth]  # says the same at both sizes
    frozen = [Seen(j, j[:1].expand_as(j)) for j in truth]
    rows = rows_of({"HR-only": frozen, "RSC-Net": steady})
    own = {"reference": "RSC-Net, native"}
    assert value(rows, "RSC-Net", "agreement", **own) == 0
    assert value(rows, "RSC-Net", "agreement_by_chance", **own) > 300
    assert value(rows, "HR-only", "acceleration", resolution=32) == 0
    assert value(rows, "HR-only", "pose_spread", resolution=32) == 0
    apart = np.concatenate([(j[:1] - j).norm(dim=-1).mean(-1).numpy() * 1000 for j in truth])
    assert value(rows, "HR-only", "agreement", **own) == pytest.approx(apart.mean(), abs=1e-3)
    gap = value(rows, "RSC-Net", "agreement minus HR-only", reference="its own, native")
    assert gap == pytest.approx(-apart.mean(), abs=1e-3)
    second = [j[:-2] - 2 * j[1:-1] + j[2:] for j in truth]
    by_hand = torch.cat([s.norm(dim=-1).mean(-1) for s in second]).mean() * 1000
    assert value(rows, "RSC-Net", "acceleration", resolution="native") == pytest.approx(
        float(by_hand), abs=1e-3
    )
