"""``rsc fit``: a photograph and its keypoints to a body, four files, and a picture of the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from rsclib.body import load_body
from rsclib.cli import main
from rsclib.errors import RscError
from rsclib.fit import best_of, box_around, person_of
from rsclib.geometry import project
from rsclib.pose_mixture import SHIPPED
from rsclib.skeleton import FROM_BODY_25, FROM_COCO_17
from rsclib.smplify import Fit, Moment
from rsclib.viz.fitting import fit_sheet, title_of
from tests.test_smplify import people

SIDE = 160
FAST = ("--steps", "10", "40")


def scene(folder: Path, kind: str = "openpose", count: int = 1) -> tuple[Path, Path, np.ndarray]:
    """A picture (of nothing), a file of keypoints, and the points (24, 3) in pixels."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 4, 3)).astype(np.uint8))
    coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / "p.png")
    points = people(1, seed=4)[1][0].double().numpy()
    points[:, :2] = (points[:, :2] * 0.8 + 1) * SIDE / 2
    rows = FROM_BODY_25 if kind == "openpose" else FROM_COCO_17
    flat = [float(v) for r in rows for v in ((0, 0, 0) if r is None else points[r])]
    if kind == "openpose":
        content: Any = {"people": [{"pose_keypoints_2d": flat}] * count}
    else:
        content = [{"image_id": 1, "keypoints": flat}] * count
    (folder / "p.json").write_text(json.dumps(content))
    return folder / "p.png", folder / "p.json", points


@pytest.mark.parametrize(("start", "kind"), [("prediction", "openpose"), ("mean", "coco")])
def test_four_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], start: str, kind: str
) -> None:
    photo, marks, points = scene(tmp_path, kind)
    out = tmp_path / "out"
    words = ["fit", str(photo), str(marks), "--start", start, "--out", str(out), *FAST]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{photo}: ") and said.rstrip().endswith("p.{obj,npz,png,webp}")
    assert {p.name for p in out.iterdir()} == {f"p.{s}" for s in ("obj", "npz", "png", "webp")}
    with np.load(out / "p.npz", allow_pickle=False) as file:
        arrays = {k: file[k] for k in file.files}
    before, after = arrays["error_px"]
    assert after < 0.6 * before and f"{before:.1f} px" in said and f"{after:.1f} px" in said
    # The points are where the file has them, in the crop; the body's are near them.
    body = load_body()
    pose = torch.from_numpy(arrays["rotmats"])[None], torch.from_numpy(arrays["betas"])[None]
    shown = project(body.joints(*pose).keypoints3d, torch.from_numpy(arrays["cam"])[None])[0]
    used = arrays["keypoints2d"]
    seen = used[:, 2] > 0
    assert seen.sum() == (18 if kind == "openpose" else 17)
    off = np.abs(shown.numpy() - used[:, :2])[seen] * 112
    assert np.median(off) < 12 and arrays["native_px"] <= SIDE
    scale = np.diff(used[seen][[0, 5], 0]) / np.diff(points[seen][[0, 5], 0])
    assert scale == pytest.approx(2 / arrays["native_px"], rel=1e-5)
    mesh = body(*pose).vertices[0].numpy()
    np.testing.assert_allclose(arrays["vertices"], mesh, atol=1e-5)
    film = Image.open(out / "p.webp")
    assert film.n_frames > 15 and Image.open(out / "p.png").size[0] == 1500  # type: ignore[attr-defined]
    frames = []
    for k in (0, film.n_frames - 1):  # type: ignore[attr-defined]
        film.seek(k)
        frames.append(np.asarray(film.convert("RGB"), float))
    assert np.abs(frames[0] - frames[1]).mean() > 3, "the body moves"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["p.png"], None),
        (["p.png", "none.json"], "there are no keypoints at none.json"),
        (["none.png", "p.json"], "there is no image at none.png"),
        (["p.png", "p.json", "--person", "1"], "p.json has 1 people; --person is 0 to 0, not 1"),
        (["p.png", "p.json", "--steps", "-1", "5"], "camera_steps must lie within"),
        (["p.png", "p.json", "--box", "0", "0", "500", "5"], "160 x 160"),
        (["p.png", "p.json", "--out", "."], "would be overwritten"),
        (["p.png", "p.json", "--prior", "p.json"], "p.json"),
        (["p.png", "two.json"], "has 2 people in it; choose one: --person 0 to 1"),
        (["p.png", "p.json", "--model", "nope"], "there is no model"),
    ],
)
def test_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], message: str | None,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    _, marks, _ = scene(tmp_path, count=2)
    marks.rename("two.json")
    scene(tmp_path)
    if message is None:
        with pytest.raises(SystemExit):
            main(["fit", *words])
        return
    assert main(["fit", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rsc: ") and message in error and error.count("\n") == 1
    assert not list(tmp_path.rglob("*.obj"))


def test_too_few_points(tmp_path: Path) -> None:
    photo, marks, _ = scene(tmp_path, "coco")
    content = json.loads(marks.read_text())
    content[0]["keypoints"][9:] = [0.0] * 42
    marks.write_text(json.dumps(content))
    with pytest.raises(RscError, match="3 points of the person; a fit needs 4"):
        person_of(marks, photo, None)


def test_the_box_has_a_margin_and_stays_inside() -> None:
    points = np.zeros((24, 3))
    points[:3] = [[40, 30, 1], [60, 130, 0.5], [50, 80, 1]]
    points[5] = [-1000, 4, 0]  # not marked
    assert box_around(points, (200, 100)) == pytest.approx((30, 20, 40, 120))
    assert box_around(points, (135, 62)) == pytest.approx((30, 20, 32, 115))
    with pytest.raises(RscError, match="outside the image"):
        box_around(points, (20, 100))


def test_the_best_of_several_starts() -> None:
    pose, _ = people(3)
    moment = Moment("body", 4, pose, torch.tensor([9.0, 4.0, 16.0]))
    fits = Fit(pose, torch.tensor([9.0, 4.0, 1.0]), torch.tensor([3.0, 1.0, 2.0]), [moment])
    best = best_of(fits)
    assert float(best.error) == 4 and float(best.loss) == 1 and len(best.pose.betas) == 1
    assert torch.equal(best.history[0].pose.rotmats, pose.rotmats[1:2])
    assert title_of(best.history[0]) == "body stage, step 4: 2.0 px"


def test_the_picture_shows_where_points_are_off() -> None:
    """A right fit has no line from ring to body, a wrong one has."""
    pose, points = people(1)
    wrong = pose._replace(translation=pose.translation + torch.tensor([[0.2, 0.0, 0.0]]))
    grey = np.full((96, 96, 3), 128, np.uint8)
    figure = fit_sheet(grey, [Moment("body", 0, p, torch.ones(1)) for p in (pose, wrong)], points[0], load_body())  # fmt: skip
    lengths = []
    for axis in figure.axes[:2]:
        lines = [line.get_xydata() for line in axis.lines if len(line.get_xydata()) == 2]
        assert len(lines) == 24
        lengths.append(np.mean([np.linalg.norm(np.diff(line, axis=0)) for line in lines]))
    assert lengths[0] < 0.1 and lengths[1] == pytest.approx(0.2 / 55.8 * 5000 * 96 / 224, rel=0.05)


def test_another_prior(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, marks, _ = scene(tmp_path)
    words = ["fit", str(photo), str(marks), "--out", str(tmp_path / "out"), "--steps", "0", "1"]
    (tmp_path / "mine.npz").write_bytes(SHIPPED.read_bytes())
    assert main([*words, "--prior", str(tmp_path / "mine.npz")]) == 0
    (tmp_path / "mine.npz").write_bytes(b"")
    assert main([*words, "--prior", str(tmp_path / "mine.npz")]) == 2
    assert "cannot read" in capsys.readouterr().err
