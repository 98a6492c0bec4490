"""Videos in and out: any length in little memory, broken ones in one line."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rsclib.errors import RscError
from rsclib.files import films
from rsclib.files.films import write_mp4, write_webp
from rsclib.files.video import is_video, open_video

ROOT = Path(__file__).parents[1]


def grey(level: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def ramp(count: int = 20) -> list[np.ndarray]:
    """Frames of growing level, with a bright upper left corner."""
    frames = [grey(20 + 8 * k % 200) for k in range(count)]
    for frame in frames:
        frame[:16, :16] = 255
    return frames


def stored(path: Path, codec: str, frames: list[np.ndarray], rate: int = 10) -> Path:
    """A file of another kind than write_mp4 writes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "mpeg4"),
        ("a.avi", "mpeg4"),
        ("a.gif", "gif"),
        ("a.webm", "libvpx"),
        ("a.mkv", "mpeg4"),
    ],
)
def test_every_kind_is_read_in_order(tmp_path: Path, name: str, codec: str) -> None:
    path = stored(tmp_path / name, codec, ramp())
    clip = open_video(path)
    assert (clip.height, clip.width, clip.count, clip.fps) == (48, 64, 20, 10.0)
    assert is_video(path)
    for _ in range(2):  # as often as one likes
        levels = [float(frame[30:, 30:].mean()) for frame in clip]
        tolerance = 24 if codec == "gif" else 6  # of eight colours a channel, dithered
        np.testing.assert_allclose(levels, 20 + 8 * np.arange(20), atol=tolerance)
    assert next(iter(clip))[:12, :12].mean() > 230


def test_told_by_content(tmp_path: Path) -> None:
    moving = stored(tmp_path / "a.gif", "gif", ramp())
    Image.fromarray(grey(9)).save(tmp_path / "still.gif")
    Image.fromarray(grey(9)).save(tmp_path / "still.png")
    film = tmp_path / "film.jpg"
    write_mp4(tmp_path / "film.mp4", ramp(), 10)
    film.write_bytes((tmp_path / "film.mp4").read_bytes())
    assert is_video(moving) and is_video(film) and is_video(tmp_path) and is_video("none.mp4")
    assert not is_video(tmp_path / "still.gif") and not is_video(tmp_path / "still.png")
    assert not is_video("none.png") and not is_video("a\0b")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(rng.integers(0, 256, (4, 5, 3)).astype(np.uint8)) for _ in range(7)]
    frames = [np.asarray(c.resize((62, 38), Image.Resampling.BICUBIC)) for c in coarse]
    said = write_mp4(tmp_path / "a.mp4", iter(frames), 29.97, crf=4)
    assert said.frames == 7 and said.codec in ("h264", "mpeg4")
    clip = open_video(tmp_path / "a.mp4")
    assert clip.fps == pytest.approx(29.97, abs=1e-3) and clip.count == 7
    for before, after in zip(frames, clip, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 8


def test_odd_sides_are_continued_and_other_encoders_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mp4(tmp_path / "a.mp4", [grey(99, 31, 45)] * 3, 5)
    clip = open_video(tmp_path / "a.mp4")
    assert (clip.height, clip.width) == (32, 46) and abs(next(iter(clip))[-1, -1].mean() - 99) < 4
    monkeypatch.setattr(films.av, "codecs_available", {"mpeg4"})
    assert write_mp4(tmp_path / "b.mp4", ramp(), 5).codec == "mpeg4"
    assert open_video(tmp_path / "b.mp4").count == 20


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    def breaks():
        yield grey(1)
        raise RscError("the source broke")

    path = tmp_path / "a.mp4"
    for frames, message in (
        ([], "no frame"),
        (breaks(), "broke"),
        ([grey(1), grey(1, 50)], "first"),
    ):
        with pytest.raises(RscError, match=message):
            write_mp4(path, frames, 10)
    with pytest.raises(RscError, match="fewer frames than 9"):
        write_webp(tmp_path / "a.webp", ramp(3), 9, 10)
    assert not list(tmp_path.iterdir())


def test_webp_keeps_time_and_is_small(tmp_path: Path) -> None:
    write_webp(tmp_path / "a.webp", iter(ramp(21)), 21, 30, side=32)
    with Image.open(tmp_path / "a.webp") as image:
        assert image.size == (32, 24) and image.n_frames > 10
        total = 0
        for k in range(image.n_frames):
            image.seek(k)
            image.load()
            total += image.info["duration"]
    assert total == 700
    assert image.info["loop"] == 0


def test_a_folder_of_frames_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for k in (10, 9, 100, 1):
        Image.fromarray(grey(k)).save(tmp_path / f"f{k}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    clip = open_video(tmp_path, 12.5)
    assert [int(frame[0, 0, 0]) for frame in clip] == [1, 9, 10, 100] and clip.count == 4
    with pytest.raises(RscError, match="--fps"):
        open_video(tmp_path)
    Image.fromarray(grey(5, 40)).save(tmp_path / "f200.png")
    with pytest.raises(RscError, match=r"frame 4 is 64 x 40"):
        list(open_video(tmp_path, 1))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RscError, match="no images"):
        open_video(tmp_path / "empty", 1)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_as_a_phone_says(tmp_path: Path, quarters: int) -> None:
    """The matrix in the track's header is what phones write; 3 quarters is its portrait."""
    path = tmp_path / "a.mp4"
    write_mp4(path, ramp(), 10)
    c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters]
    one = 1 << 16
    plain = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    # The picture is turned clockwise by this matrix.
    turned = struct.pack(">9i", c * one, s * one, 0, -s * one, c * one, 0, 0, 0, 1 << 30)
    content = path.read_bytes()
    at = content.index(plain, content.index(b"tkhd"))
    path.write_bytes(content[:at] + turned + content[at + len(plain) :])
    clip = open_video(path)
    assert (clip.height, clip.width) == ((64, 48) if quarters % 2 else (48, 64))
    frame = next(iter(clip))
    corners = [frame[:12, :12], frame[:12, -12:], frame[-12:, -12:], frame[-12:, :12]]
    assert int(np.argmax([corner.mean() for corner in corners])) == quarters


def test_broken_ones_are_one_line(tmp_path: Path) -> None:
    write_mp4(tmp_path / "good.mp4", ramp(), 10)
    good = (tmp_path / "good.mp4").read_bytes()
    avi = stored(tmp_path / "good.avi", "mpeg4", ramp(60)).read_bytes()
    webm = stored(tmp_path / "good.webm", "libvpx", [f[:48, :64] for f in ramp(75)]).read_bytes()
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    broken = {
        "empty.mp4": (b"", "is empty"),
        "cut.mp4": (good[: len(good) // 2], "damaged"),
        "cut.avi": (avi[: len(avi) // 2], "cut short"),
        "cut.webm": (webm[: len(webm) // 2], "cut short"),
        "text.avi": (b"no video at all\n" * 99, "no video that can be read"),
        # Formats that name other files are not opened.
        "list.mp4": (f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/good.mp4\n".encode(), "no video"),
        "concat.mp4": (f"ffconcat version 1.0\nfile {tmp_path}/good.mp4\n".encode(), "no video"),
        "sound.mkv": (sound.read_bytes(), "no pictures"),
    }
    for name, (content, message) in broken.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RscError, match=message) as caught:
            open_video(path)
        assert "\n" not in str(caught.value) and name in str(caught.value)
    for path in (tmp_path / "none.mp4", tmp_path / "a\0b.mp4"):
        with pytest.raises(RscError, match="there is no video"):
            open_video(path)
    for fps in (0, -1, float("nan"), 1e9):
        with pytest.raises(RscError, match="frames a second"):
            open_video(tmp_path / "good.mp4", fps)
    assert open_video(tmp_path / "good.mp4", 24).fps == 24


@settings(max_examples=40)
@given(st.data())
def test_damage_anywhere_is_read_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    kind = data.draw(st.sampled_from(["a.mp4", "a.avi", "a.gif"]))
    path = stored(folder / kind, "gif" if kind == "a.gif" else "mpeg4", ramp(8))
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=30)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(RscError):
        clip = open_video(path)
        assert all(frame.shape == (clip.height, clip.width, 3) for frame in clip)


STREAM = """
import resource, sys
import numpy as np
from rsclib.files.films import write_mp4
from rsclib.files.video import open_video
frames = (np.full((96, 128, 3), k % 200, np.uint8) for k in range(int(sys.argv[2])))
write_mp4(sys.argv[1], frames, 25)
assert sum(1 for _ in open_video(sys.argv[1])) == int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    """3,000 frames of 128 x 96 are 110 MB; 300 are 11 MB."""
    peaks = []
    for count in (300, 3000):
        words = [sys.executable, "-c", STREAM, str(tmp_path / "a.mp4"), str(count)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 20_000, "kilobytes"
