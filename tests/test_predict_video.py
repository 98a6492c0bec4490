"""From a video to moving bodies: files that agree with the network, stops, mistakes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from rsclib import moving_people as moving
from rsclib import predict_video as P
from rsclib.body import Body, load_body
from rsclib.checkpoints import save_model
from rsclib.cli import main
from rsclib.crops import MARGIN, cut, squares_of
from rsclib.errors import RscError
from rsclib.files.photos import crop
from rsclib.files.video import Video, open_video
from rsclib.geometry import axis_angle_to_rotmat, project
from rsclib.models import MODELS
from rsclib.network import Prediction, RSCNet
from rsclib.predict import SUFFIXES
from rsclib.predict_video import Where, predict_video
from rsclib.predictor import NetPredictor
from rsclib.temporal import Temporal, TemporalConfig
from rsclib.tracks import Track, read_tracks, write_tracks
from rsclib.viz.meshes import shaded
from rsclib.viz.overlays import COLOURS, OPACITY, Drawn, draw_bodies
from rsclib.viz.player import player_html, thinned
from tests.clips import HEIGHT, WIDTH, Clip, Walker
from tests.test_browser import CHROMIUM, FLAGS
from tests.toys import RANGES, TINY

ROOT = Path(__file__).parents[1]
COUNT = 30


@pytest.fixture(scope="module")
def body() -> Body:
    return load_body()


@pytest.fixture
def predictor(body: Body) -> NetPredictor:
    torch.manual_seed(0)
    net = RSCNet(TINY).eval()
    with torch.no_grad():  # else all frames look the same to it
        for head in (net.regressor.decpose, net.regressor.decshape, net.regressor.deccam):
            head.weight.mul_(30)
    return NetPredictor(net, body, RANGES)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = Clip([Walker(4, 2, 3.0, h=48), Walker(150, 70, -3.0, h=48)], COUNT)
    return clip.write(tmp_path_factory.mktemp("film") / "clip.mp4")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The film as it came, for tests that do not look at bodies."""
    monkeypatch.setattr(P, "drawn", lambda video, *_: iter(video))


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Two people; one of them is out of sight for a while."""
    t = np.arange(COUNT)
    first = np.stack(
        [4 + 3.0 * t, np.full(COUNT, 2.0), np.full(COUNT, 20.0), np.full(COUNT, 48.0)], 1
    )
    second = first * [-1, 1, 1, 1] + [154, 68, 0, 0]
    seen = np.r_[0:10, 14:25]
    write_tracks(tmp_path / "boxes.csv", [Track(2, t, first), Track(5, seen, second[seen])])
    return tmp_path / "boxes.csv"


def arrays_of(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def test_the_files_agree_with_the_network(
    film: Path, boxes: Path, predictor: NetPredictor, tmp_path: Path
) -> None:
    said, doubts = predict_video(str(film), tmp_path / "out/clip", predictor, Where(tracks=boxes))
    assert "30 frames at 10 a second, 2 people, frame by frame" in said and not doubts
    names = {"clip.mp4", "clip.html", "clip-person2.npz", "clip-person5.npz"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names
    frames = list(open_video(film))
    for track in read_tracks(boxes):
        arrays = arrays_of(tmp_path / f"out/clip-person{track.person}.npz")
        count = len(track.frames)
        shapes = {"trans": (count, 3), "poses": (count, 72), "betas": (10,), "cam": (count, 3),
                  "boxes": (count, 4), "squares": (count, 3), "joints14": (count, 14, 3),
                  "frames": (count,)}  # fmt: skip
        for key, shape in shapes.items():
            assert arrays[key].shape == shape and np.isfinite(arrays[key]).all()
        assert arrays["gender"] == "neutral" and arrays["mocap_framerate"] == 10
        assert arrays["native_px"] == round(MARGIN * 48) and arrays["range_index"] == 0
        np.testing.assert_array_equal(arrays["frames"], track.frames)
        np.testing.assert_array_equal(arrays["boxes"], track.boxes)
        # One by one, as an image is predicted.
        row = 11
        image = cut(frames[track.frames[row]], squares_of(track.boxes)[row], RANGES.full)
        alone = predictor(torch.tensor(image).permute(2, 0, 1)[None], 60)
        pose = axis_angle_to_rotmat(torch.from_numpy(arrays["poses"][row]).reshape(24, 3))
        np.testing.assert_allclose(pose, alone.rotmats[0], atol=1e-4)
        np.testing.assert_allclose(arrays["cam"][row], alone.cam[0], atol=1e-5)
        joints = predictor.body.joints(
            alone.rotmats, torch.from_numpy(arrays["betas"]).float()[None]
        )
        np.testing.assert_allclose(arrays["joints14"][row], joints.joints14[0], atol=1e-4)
    drawn = open_video(tmp_path / "out/clip.mp4")
    assert (drawn.count, drawn.height, drawn.width) == (COUNT, 2 * HEIGHT, 2 * WIDTH)


@pytest.mark.usefixtures("undrawn")
def test_a_body_stands_where_its_square_says(
    film: Path, boxes: Path, predictor: NetPredictor, tmp_path: Path
) -> None:
    """The one camera of the picture and the squares' own put joints at the same pixels."""
    predict_video(str(film), tmp_path / "clip", predictor, Where(tracks=boxes))
    arrays = arrays_of(tmp_path / "clip-person2.npz")
    rotmats = axis_angle_to_rotmat(torch.from_numpy(arrays["poses"]).reshape(-1, 24, 3)).float()
    betas = torch.from_numpy(arrays["betas"]).float().expand(len(rotmats), -1)
    joints = predictor.body.joints(rotmats, betas).joints24
    left, top, side = arrays["squares"].T
    seen = project(joints, torch.from_numpy(arrays["cam"])).numpy()
    in_square = (seen + 1) / 2 * side[:, None, None] + np.stack([left, top], 1)[:, None]
    at = joints.numpy() + arrays["trans"][:, None]
    whole = at[..., :2] / at[..., 2:] * arrays["focal_px"] + [WIDTH / 2, HEIGHT / 2]
    near = arrays["trans"][:, 2] > 3  # metres: nearer, one camera sees with more perspective
    assert near.sum() > 20
    root = np.abs(in_square - whole)[near][:, 0]
    assert root.max() < 0.5
    assert np.abs(in_square - whole)[near].mean() < 0.05 * side.mean()


@pytest.mark.usefixtures("undrawn")
def test_the_whole_picture_and_a_box(film: Path, predictor: NetPredictor, tmp_path: Path) -> None:
    _, wide = predict_video(str(film), tmp_path / "a", predictor)
    _, boxed = predict_video(str(film), tmp_path / "b", predictor, Where(box=(4, 4, 40, 60)))
    guessed = "the whole picture was taken for one person's; --track"
    assert any(guessed in d for d in wide) and not any(guessed in d for d in boxed)
    whole, part = (arrays_of(tmp_path / f"{n}-person0.npz") for n in "ab")
    assert whole["native_px"] == WIDTH and part["native_px"] == 60
    assert len(whole["poses"]) == COUNT
    for arrays, box in ((whole, None), (part, (4, 4, 40, 60))):
        image, native = crop(next(iter(open_video(film))), box, RANGES.full)
        alone = predictor(torch.tensor(image).permute(2, 0, 1)[None], native)
        np.testing.assert_allclose(arrays["cam"][0], alone.cam[0], atol=0.02)  # the rim's filter


@pytest.mark.usefixtures("undrawn")
def test_stopped_it_goes_on(
    film: Path,
    boxes: Path,
    predictor: NetPredictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was said before the stop is not asked again, and the result is the same bit for bit."""
    monkeypatch.setattr(moving, "PIECE", 8)
    predict_video(str(film), tmp_path / "whole", predictor, Where(tracks=boxes))
    asked, once = [], NetPredictor.__call__

    def stops(self: NetPredictor, images: torch.Tensor, native: int) -> Prediction:
        asked.append(len(images))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return once(self, images, native)

    monkeypatch.setattr(NetPredictor, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        predict_video(str(film), tmp_path / "b", predictor, Where(tracks=boxes))
    assert (tmp_path / "b.work").is_dir() and not (tmp_path / "b.mp4").exists()
    predict_video(str(film), tmp_path / "b", predictor, Where(tracks=boxes))
    assert sum(asked) == COUNT + 21 + asked[3], "only the piece that was interrupted, twice"
    assert not (tmp_path / "b.work").exists()
    for person in (2, 5):
        one, other = (arrays_of(tmp_path / f"{n}-person{person}.npz") for n in ("whole", "b"))
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


@pytest.mark.usefixtures("undrawn")
def test_pieces_of_something_else_are_not_gone_on_with(
    film: Path,
    boxes: Path,
    predictor: NetPredictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def keep(folder: Path) -> None:
        assert folder.is_dir()

    monkeypatch.setattr(moving, "forget", keep)
    asked, once = [0], NetPredictor.__call__

    def counted(self: NetPredictor, images: torch.Tensor, native: int) -> Prediction:
        asked[0] += len(images)
        return once(self, images, native)

    def call(where: Where) -> int:
        asked[0] = 0
        predict_video(str(film), tmp_path / "a", predictor, where)
        return asked[0]

    monkeypatch.setattr(NetPredictor, "__call__", counted)
    assert call(Where(tracks=boxes)) == 51 and call(Where(tracks=boxes)) == 0
    assert call(Where()) == 30 and call(Where(box=(0, 0, 50, 50))) == 30
    assert not (tmp_path / "a-person2.npz").exists(), "people of other boxes are gone"
    with torch.no_grad():
        predictor.net.regressor.fc1.bias.add_(0.1)
    assert call(Where(box=(0, 0, 50, 50))) == 30
    with moving.held(tmp_path / "a.work"), pytest.raises(RscError, match="another prediction"):
        call(Where())


@pytest.mark.usefixtures("undrawn")
def test_people_are_found_and_their_boxes_kept(
    film: Path, predictor: NetPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, _ = predict_video(str(film), tmp_path / "a", predictor, Where(find=True), webp=True)
    tracks = read_tracks(tmp_path / "a.csv")
    assert len(tracks) == 2 and all(len(t.frames) >= 25 for t in tracks)
    assert "a.{mp4,html,csv,webp}" in said
    with Image.open(tmp_path / "a.webp") as image:
        assert image.n_frames == COUNT
    write_tracks(tmp_path / "found.csv", tracks)
    predict_video(str(film), tmp_path / "b", predictor, Where(tracks=tmp_path / "found.csv"))
    one, other = (arrays_of(tmp_path / f"{n}-person0.npz") for n in "ab")
    np.testing.assert_array_equal(one["poses"], other["poses"])
    still = Clip([], 30).write(tmp_path / "still.mp4")
    with pytest.raises(RscError, match="nobody was found"):
        predict_video(str(still), tmp_path / "c", predictor, Where(find=True))


@pytest.mark.usefixtures("undrawn")
def test_a_temporal_network_sees_runs_of_consecutive_frames(
    film: Path, boxes: Path, predictor: NetPredictor, tmp_path: Path
) -> None:
    runs: list[torch.Tensor] = []

    def steady(phi: torch.Tensor) -> Prediction:
        runs.append(phi)
        return predictor.net.regress(phi.mean(0, keepdim=True).expand_as(phi))

    said, _ = predict_video(
        str(film), tmp_path / "a", predictor, Where(tracks=boxes), temporal=steady
    )
    assert [len(phi) for phi in runs] == [30, 10, 11] and "with the temporal module" in said
    assert runs[0].shape[1] == TINY.features
    poses = arrays_of(tmp_path / "a-person5.npz")["poses"]
    assert np.ptp(poses[:10], 0).max() < 1e-5 and np.ptp(poses[10:], 0).max() < 1e-5
    assert np.abs(poses[0] - poses[-1]).max() > 1e-4
    with pytest.raises(RscError, match="gave 29 rows for 30"):
        predict_video(str(film), tmp_path / "a", predictor, Where(tracks=boxes),
                      temporal=lambda phi: steady(phi[1:]))  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_people_too_small_are_doubted(film: Path, predictor: NetPredictor, tmp_path: Path) -> None:
    _, doubts = predict_video(str(film), tmp_path / "a", predictor, Where(box=(0, 0, 6, 6)))
    assert len(doubts) == 1 and "less than 8 px" in doubts[0]


# --- drawing ---------------------------------------------------------------------------------


def standing(
    body: Body, person: int, square: tuple[float, float, float], scale: float = 0.9
) -> Drawn:
    from rsclib.geometry import cam_to_translation

    rotmats = torch.eye(3).expand(1, 24, 3, 3).clone()
    rotmats[0, 0] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    vertices = body(rotmats, torch.zeros(1, 10)).vertices[0]
    shift = cam_to_translation(torch.tensor([[scale, 0.0, 0.0]]))
    return Drawn((vertices + shift).numpy(), square, person)


def test_a_body_in_a_large_picture_is_that_of_its_square(body: Body) -> None:
    faces = body.faces.numpy().astype(np.int32)
    frame = np.full((200, 300, 3), 90, np.uint8)
    one = standing(body, 0, (100, 40, 96))
    drawn = draw_bodies(frame, [one], faces)
    mesh, cover = shaded(one.vertices, faces, 96, COLOURS[0])
    expected = 90 / 255 * (1 - OPACITY * cover[..., None]) + OPACITY * mesh
    inside = drawn[40:136, 100:196][14:] / 255  # below the number
    np.testing.assert_allclose(inside, expected[14:], atol=0.02)
    assert (drawn[:, :90] == 90).all() and (frame == 90).all()


def test_bodies_at_the_rim_and_off_the_picture(body: Body) -> None:
    faces = body.faces.numpy().astype(np.int32)
    frame = np.full((120, 160, 3), 90, np.uint8)
    people = [
        standing(body, k, s) for k, s in enumerate(((-40.5, -30, 90), (120, 60, 90), (900, 9, 50)))
    ]
    drawn = draw_bodies(frame, people, faces, 2)
    assert drawn.shape == (240, 320, 3) and (drawn != 90).any((0, 1)).all()
    np.testing.assert_array_equal(draw_bodies(frame, [], faces), frame)


def test_the_nearer_body_is_in_front(body: Body) -> None:
    faces = body.faces.numpy().astype(np.int32)
    frame = np.full((200, 200, 3), 90, np.uint8)
    far, near = standing(body, 1, (70, 70, 60)), standing(body, 0, (40, 40, 120))
    both = draw_bodies(frame, [near, far], faces)[100, 100].astype(int)
    assert both[2] > both[0], "blue, that of person 0"
    np.testing.assert_array_equal(both, draw_bodies(frame, [far, near], faces)[100, 100])


# --- the page --------------------------------------------------------------------------------


# The share of the canvas that is not background.
INK = """(() => {
  const p = new Uint8Array(4 * canvas.width * canvas.height);
  gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, p);
  let n = 0;
  for (let i = 0; i < p.length; i += 4) n += Math.abs(p[i] - 242) > 9;
  return 4 * n / p.length;
})()"""


def some_motions(
    predictor: NetPredictor, count: int, people: int
) -> tuple[Video, list[moving.Motion]]:
    rng = torch.Generator().manual_seed(1)
    motions = []
    for person in range(people):
        turns = axis_angle_to_rotmat(0.5 * torch.randn(count, 24, 3, generator=rng)).numpy()
        track = Track(person, np.arange(count) + 3, np.tile([10.0, 20, 30, 60], (count, 1)))
        cam = np.tile(np.array([0.9, 0.1, 0.0], np.float32), (count, 1))
        betas = torch.randn(10, generator=rng).numpy()
        motions.append(moving.Motion(track, squares_of(track.boxes), 72, 0, turns, betas, cam,
                                     np.zeros((count, 14, 3), np.float32)))  # fmt: skip
    return Video(Path("a.mp4"), 30.0, HEIGHT, WIDTH, count + 3), motions


def test_the_page_is_small_and_whole(predictor: NetPredictor) -> None:
    video, motions = some_motions(predictor, 150, 10)
    name = "</script><script>alert(1)</script>.mp4"
    page = player_html(motions, video, predictor.body, name, "A note.")
    assert len(page) < 1_500_000, "five seconds of ten people"
    assert page.count("</script>") == 2 and "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|https?:|import\s*\(|fetch\s*\(", page)
    data = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])
    assert data["name"] == name and len(data["people"]) == 10


def test_the_thinned_skin_is_a_part_of_the_body(body: Body) -> None:
    kept, faces = thinned(body)
    assert len(np.unique(kept)) == len(kept) < 1200 and faces.max() == len(kept) - 1
    _, merged = np.unique(faces, return_inverse=True)
    assert merged.max() + 1 == len(kept), "no vertex is without a face"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
@pytest.mark.parametrize("correctives", [False, True])
def test_the_page_poses_the_skin_as_the_body_does(
    predictor: NetPredictor, tmp_path: Path, correctives: bool
) -> None:
    """The numbers that the page computes are smplx's; it draws, plays and turns without a network."""
    from playwright.sync_api import sync_playwright

    posedirs = predictor.body.smpl.posedirs
    before = posedirs.clone()
    if correctives:  # a licensed body has some
        posedirs += 0.01 * torch.randn(posedirs.shape, generator=torch.Generator().manual_seed(0))
    video, motions = some_motions(predictor, 20, 2)
    try:
        page_text = player_html(motions, video, predictor.body, "a.mp4", "A note.")
        motion = motions[1]
        truth = predictor.body(
            torch.from_numpy(motion.rotmats[7:8]), torch.from_numpy(motion.betas)[None]
        ).vertices[0].numpy()[thinned(predictor.body)[0]]  # fmt: skip
    finally:
        posedirs.copy_(before)
    (tmp_path / "a.html").write_text(page_text, encoding="utf-8")
    with sync_playwright() as playwright:
        flags = [f for f in FLAGS if f != "--disable-gpu"]
        flags += ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 900, "height": 800}, reduced_motion="reduce")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto((tmp_path / "a.html").as_uri())
        given = np.array(page.evaluate("Array.from(vertices(people[1], 7))")).reshape(-1, 3)
        np.testing.assert_allclose(given, truth, atol=3e-3 if correctives else 3e-4)
        assert page.evaluate("[drawn, first, last, playing]") == [1, 3, 22, False]
        shown = page.evaluate(INK)
        assert 0.01 < shown < 0.9
        first = page.locator("#view").screenshot()
        page.mouse.move(400, 300)
        page.mouse.down()
        page.mouse.move(520, 320)
        page.mouse.up()
        assert page.locator("#view").screenshot() != first
        page.keyboard.press("ArrowRight")
        page.locator("#who").select_option("all")
        assert page.evaluate("drawn") == 2
        page.locator("#play").click()
        page.wait_for_function("frame !== first && playing")
        page.screenshot(path=str(tmp_path / "page.png"))
        browser.close()
    assert not errors


# --- the command -----------------------------------------------------------------------------


def test_the_command(
    film: Path, boxes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = Clip([Walker(4, 4, 3.0)], 12).write(tmp_path / "short.mp4")
    photo = tmp_path / "photo.png"
    Image.fromarray(next(iter(Clip([])))).save(photo)
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"RIFF\0\0\0\0AVI ")
    out = tmp_path / "out"
    words = ["predict", str(short), str(photo), str(broken), "--box", "0", "0", "60", "60"]
    assert main([*words, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()] == [str(short), str(photo)]
    errors = [line for line in said.err.splitlines() if "warning" not in line]
    assert len(errors) == 2 and "broken.avi" in errors[0] and "1 of 3 failed" in errors[1]
    assert {p.name for p in out.iterdir()} == {
        *("short.mp4", "short.html", "short-person0.npz"),
        *(f"photo{suffix}" for suffix in SUFFIXES),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{photo}", "--track"], "--track is for videos"),
        (["{photo}", "--fps", "3"], "--fps is for videos"),
        (["{film}", "--track", "--box", "0", "0", "9", "9"], "in one way"),
        (["{film}", "--temporal", "--model", "hr-only"], "no temporal module for hr-only"),
        (["{photo}", "--temporal-module", "video"], "--temporal-module is for videos"),
        (["{film}", "--temporal-module", "full"], "here a temporal module is needed"),
        (["{film}", "--temporal-module", "{here}/no.safetensors"], "there is no model"),
        (
            ["{film}", "--temporal-module", "{here}/small.safetensors"],
            "reads features of 8 numbers",
        ),
        (["{film}", "--tracks", "{here}/none.csv"], "cannot read"),
        (["{film}", "{here}/b.mp4", "--tracks", "{here}/clip.csv"], "one video"),
        (["{film}", "--tracks", "{here}/clip.csv", "--out", "{here}"], "rename it"),
        (["{film}", "--out", "{home}"], "would be overwritten"),
        (["{film}", "--box", "0", "0", "900", "9"], "leaves the image"),
        (["{film}", "--boxes", "{here}/clip.csv"], "--boxes is for images"),
        (["{film}", "--detect"], "--detect is for images"),
        (["{here}/none.webm"], "there is no video"),
    ],
)
def test_mistakes(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(next(iter(Clip([])))).save(photo)
    (tmp_path / "clip.csv").write_text("person,frame,x,y,w,h\n0,0,1,1,9,9\n")
    shutil.copy(film, tmp_path / "b.mp4")
    save_model(
        tmp_path / "small.safetensors", Temporal(TemporalConfig(features=8, width=4, hidden=4)), {}
    )
    places = {"photo": photo, "film": film, "here": tmp_path, "home": film.parent}
    words = [word.format(**places) for word in words]
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    assert main(["predict", *words, *out]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rsc: ") and message in error and error.count("\n") == 1
    assert (tmp_path / "clip.csv").is_file()


@pytest.mark.usefixtures("undrawn")
def test_a_stopped_command_says_that_it_goes_on(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(P, "write_player", stopped)
    words = ["predict", str(film), "--box", "0", "0", "60", "60", "--out", str(tmp_path)]
    assert main(words) == 130
    assert "the same command goes on from what was saved" in capsys.readouterr().err


STREAM = """
import resource, sys
from pathlib import Path
import numpy as np, torch
torch.set_num_threads(1)
from rsclib import predict_video as P
from rsclib.body import load_body
from rsclib.network import RSCNet
from rsclib.predictor import NetPredictor
from tests.clips import Clip, Walker
from tests.toys import RANGES, TINY
folder, count = Path(sys.argv[1]), int(sys.argv[2])
film = Clip([Walker(4, 4, 0.05)], count).write(folder / f"{count}.mp4")
P.drawn = lambda video, *_: (frame for frame in video)  # drawing is tested by itself
predictor = NetPredictor(RSCNet(TINY).eval(), load_body(), RANGES)
P.predict_video(str(film), folder / f"out{count}", predictor, P.Where(box=(0, 0, 60, 60)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat(tmp_path: Path) -> None:
    """1,000 frames of 180 x 120 are 65 MB, and their crops 3 MB; 100 are a tenth of that."""
    peaks = []
    for count in (100, 1000):
        words = [sys.executable, "-c", STREAM, str(tmp_path), str(count)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-800:]
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 25_000, "kilobytes"


def test_a_temporal_module_by_path_is_the_shipped_one(film: Path, tmp_path: Path) -> None:
    """The same file by name and by path says the same of a film."""
    words = ["predict", str(film), "--box", "0", "0", "40", "40", "--out"]
    shutil.copy(MODELS / "video.safetensors", tmp_path / "mine.safetensors")
    assert main([*words, str(tmp_path / "a"), "--temporal"]) == 0
    module = ["--temporal-module", str(tmp_path / "mine.safetensors")]
    assert main([*words, str(tmp_path / "b"), *module]) == 0
    one, other = (arrays_of(tmp_path / name / "clip-person0.npz") for name in "ab")
    np.testing.assert_array_equal(one["poses"], other["poses"])
