"""BlazePose's logic without its networks: which joint is which, anchors, squares, misses."""

from __future__ import annotations

import math
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.agreement import Answers, agreement_rows, answers
from benchmarks.blazepose import Found, found_by, rival_rows
from benchmarks.street import Seen
from rsclib.errors import RscError
from rsclib.evaluate import score_trial
from rsclib.limbs import on_limbs
from rsclib.metrics import mpjpe
from rsclib.outside import blazepose as B
from rsclib.outside import detector as D
from rsclib.outside import fetching as F
from rsclib.outside import squares as Q
from rsclib.people import Trial
from rsclib.resolution import degrade
from rsclib.skeleton import J14_MIRROR, J14_NAMES

# --- joints --------------------------------------------------------------------------------------


def test_the_rows_are_those_of_the_names() -> None:
    assert len(B.NAMES) == 33 and len(set(B.NAMES)) == 33
    assert [B.NAMES[row] for row in B.ROWS] == list(J14_NAMES[:12])
    # MediaPipe's own numbers, as its pages list them: hips 23 and 24, the left one first.
    assert B.ROWS == (28, 26, 24, 23, 25, 27, 16, 14, 12, 11, 13, 15)
    swapped = [
        n.replace("left", "?").replace("right", "left").replace("?", "right") for n in B.NAMES
    ]
    mirror = [B.NAMES.index(name) for name in swapped]
    assert [mirror[row] for row in B.ROWS] == [B.ROWS[k] for k in J14_MIRROR[:12]]


def test_both_sides_have_one_root() -> None:
    joints = torch.randn(4, 14, 3)
    ours = on_limbs(joints)
    assert ours.shape == (4, 12, 3)
    assert (ours[:, 2] + ours[:, 3]).abs().max() < 1e-6
    assert torch.allclose(ours[:, 0] - ours[:, 11], joints[:, 0] - joints[:, 11], atol=1e-6)
    theirs = B.BlazePose(Landmarks()).at(picture_with(40, 50), Q.whole(128, 128)).joints12
    assert np.abs(theirs[2] + theirs[3]).max() < 1e-12


# --- squares -------------------------------------------------------------------------------------

numbers = st.floats(-300, 300)
some_squares = st.builds(Q.Square, numbers, numbers, st.floats(1, 500), st.floats(-7, 7))


@settings(max_examples=200)
@given(some_squares, st.integers(8, 300))
def test_pixels_and_points_go_the_same_way(square: Q.Square, size: int) -> None:
    points = np.array([[0.0, 0.0], [size, 0.0], [size, size], [size / 2, size / 2], [3.5, 1.25]])
    wanted = Q.to_picture(points, square, size)
    m = Q.matrix(square, size)
    assert np.allclose((points - 0.5) @ m[:, :2].T + m[:, 2] + 0.5, wanted, atol=1e-6)
    assert np.allclose(wanted[3], [square.x, square.y])
    assert math.isclose(np.linalg.norm(wanted[0] - wanted[1]), square.side, rel_tol=1e-6)


def test_a_square_is_cut_pixel_by_pixel() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    assert np.array_equal(Q.look(picture[:, :40], Q.whole(40, 40), 40), picture[:, :40])
    cut = Q.look(picture, Q.Square(20, 15, 16), 16)
    assert np.array_equal(cut, picture[7:23, 12:28])
    # Turned clockwise by a quarter, the square's top is the picture's right.
    quarter = Q.look(picture, Q.Square(20, 15, 16, math.pi / 2), 16)
    assert np.array_equal(quarter, np.rot90(cut, 1))
    # A wide picture in a square: edges repeated, or black, above and below.
    edge, black = (Q.look(picture, Q.whole(40, 60), 60, how) for how in ("edge", "black"))
    assert np.array_equal(edge[10:50], picture) and np.array_equal(black[10:50], picture)
    assert (edge[:10] == picture[0]).all() and not black[:10].any() and not black[50:].any()


def test_a_mask_goes_back_where_it_came_from() -> None:
    back = Q.put_back(np.ones((256, 256), np.float32), Q.Square(30, 20, 20), 60, 80)
    assert back.shape == (60, 80)
    assert (back[11:29, 21:39] == 1).all() and not back[:9].any() and not back[:, 42:].any()


# --- the detector --------------------------------------------------------------------------------


def test_anchors_against_a_loop() -> None:
    """The rule of MediaPipe's configuration, written down as loops: grids of one stride next to each
    other are one grid, each with an anchor of aspect 1 and an interpolated one."""
    strides, size, wanted, k = (8, 16, 32, 32, 32), 224, [], 0
    while k < len(strides):
        together = [s for s in strides[k:] if s == strides[k]]
        cells = -(-size // strides[k])
        for y in range(cells):
            for x in range(cells):
                for _ in range(2 * len(together)):
                    wanted.append(((x + 0.5) / cells, (y + 0.5) / cells))
        k += len(together)
    found = D.anchors()
    assert found.shape == (2254, 2) == (2 * 28**2 + 2 * 14**2 + 6 * 7**2, 2)
    assert np.allclose(found, wanted)


def answer(at: int, score: float, box: tuple, points: NDArray) -> tuple[NDArray, NDArray]:
    """The detector's raw answer (N, 12), (N,) for a box x, y, w, h and points (4, 2) at an anchor."""
    anchors = D.anchors() * 224
    values, logits = np.zeros((2254, 12), np.float32), np.full(2254, -30, np.float32)
    values[at, :4] = (box[0] - anchors[at, 0], box[1] - anchors[at, 1], box[2], box[3])
    values[at, 4:] = (points - anchors[at]).ravel()
    logits[at] = math.log(score / (1 - score))
    return values, logits


POINTS = np.array([[112.0, 120.0], [112.0, 40.0], [112.0, 80.0], [112.0, 60.0]])


def test_the_surest_is_averaged_with_those_that_overlap_it() -> None:
    box = (112.0, 120.0, 60.0, 60.0)
    values, logits = answer(100, 0.9, box, POINTS)
    for at, score, shift in ((700, 0.6, 4.0), (1900, 0.8, 150.0), (2000, 0.45, 1.0)):
        more, sure = answer(at, score, (box[0] + shift, *box[1:]), POINTS + [shift, 0])
        values, logits = values + more, np.maximum(logits, sure)
    found = D.best(values, logits[:, None])
    assert found is not None and found.score == pytest.approx(0.9)
    shift = 4 * 0.6 / 1.5  # the far one and the unsure one count for nothing
    assert np.allclose(found.points, POINTS + [shift, 0], atol=1e-3)
    assert np.allclose(found.box, [82 + shift, 90, 142 + shift, 150], atol=1e-3)
    assert D.best(*answer(100, 0.49, box, POINTS)) is None


@settings(max_examples=100)
@given(numbers, numbers, st.floats(1, 200), st.floats(-3.1, 3.1))
def test_the_person_stands_upright_in_her_square(x: float, y: float, r: float, turn: float) -> None:
    hips = np.array([x, y])
    above = hips + r * np.array([math.sin(turn), -math.cos(turn)])
    square = D.square_of(hips, above)
    assert square.side == pytest.approx(2.5 * r)
    back = Q.to_picture(np.array([[128.0, 128.0], [128.0, 128 - 128 / 1.25]]), square, 256)
    assert np.allclose(back, [hips, above], atol=1e-6 * (1 + r + abs(x) + abs(y)))


@pytest.mark.parametrize("fault", ["shape", "nan", "three"])
def test_another_network_is_refused(fault: str) -> None:
    values, logits = answer(100, 0.9, (112, 120, 60, 60), POINTS)
    outputs = {
        "shape": [values[None, :99], logits[None, :99, None]],
        "nan": [values[None] * np.float32(np.nan), logits[None, :, None]],
        "three": [values[None], logits[None, :, None], logits],
    }[fault]
    with pytest.raises(RscError, match="detector"):
        D.detect(lambda _: outputs, np.zeros((64, 64, 3), np.uint8))


# --- the whole -----------------------------------------------------------------------------------


def picture_with(x: int, y: int, side: int = 128) -> NDArray[np.uint8]:
    """A dark picture with a white spot."""
    picture = np.zeros((side, side, 3), np.uint8)
    picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    return picture


class Landmarks:
    """Stands in for the landmark network: all points on the brightest place, a body that stands upright
    in the square, a mask of the upper half."""

    def __init__(self, presence: float = 0.9) -> None:
        self.presence, self.seen = presence, np.zeros(0)
        self.world = np.random.default_rng(3).normal(0, 0.3, (39, 3))

    def __call__(self, picture: NDArray[np.float32]) -> list[NDArray[Any]]:
        assert picture.shape == (256, 256, 3) and picture.dtype == np.float32
        assert picture.min() >= 0 and picture.max() <= 1
        self.seen = picture
        bright = np.argwhere(picture.min(-1) > 0.5)
        y, x = bright.mean(0) + 0.5 if len(bright) else (0, 0)
        points = np.tile([x, y, 0, 0, 2], (39, 1)).astype(np.float32)
        mask = np.full((1, 256, 256, 1), -9, np.float32)
        mask[:, :128] = 9
        return [points.reshape(1, 195), np.array([[self.presence]], np.float32), mask,
                np.zeros((1, 64, 64, 39), np.float32), self.world.reshape(1, 117)]  # fmt: skip


def detector(score: float = 0.9, points: NDArray = POINTS) -> D.Run:
    values, logits = answer(100, score, (112, 120, 60, 60), points)

    def run(picture: NDArray[np.float32]) -> list[NDArray[Any]]:
        assert picture.shape == (224, 224, 3) and picture.min() >= -1 and picture.max() <= 1
        return [values[None], logits[None, :, None]]

    return run


@settings(max_examples=60, deadline=None)
@given(st.floats(40, 90), st.floats(40, 90), st.floats(60, 250), st.floats(-3, 3))
def test_points_are_found_where_they_are(x: float, y: float, side: float, turn: float) -> None:
    network = Landmarks()
    pose = B.BlazePose(network).at(picture_with(60, 70), Q.Square(x, y, side, turn))
    inside = Q.turned(np.array([60.5 - x, 70.5 - y]), -turn)
    if np.abs(inside).max() < side / 2 - 5:
        assert np.abs(pose.image - [60.5, 70.5]).max() < 1.0
    # Who stands upright in a square that is turned is turned by as much.
    up = pose.world - Q.turned(network.world[:33], turn)
    assert np.abs(up).max() < 1e-6 and (pose.world[:, 2] == network.world[:33, 2]).all()
    assert pose.image.shape == (33, 2) and pose.visibility.shape == (33,)
    assert pose.mask.min() >= 0 and pose.mask.max() <= 1 and pose.mask.shape == (128, 128)


def test_a_clockwise_quarter_lays_the_upright_down() -> None:
    """Up is minus y; a square turned clockwise has its top on the right."""
    assert np.allclose(Q.turned(np.array([0.0, -1.0, 0.5]), math.pi / 2), [1, 0, 0.5])


def test_its_own_detector_answers_or_misses() -> None:
    picture = picture_with(60, 70)
    pose = B.BlazePose(Landmarks(), detector()).find(picture)
    assert pose is not None
    # 224 pixels of the detector are 128 of the picture.
    assert np.allclose(pose.square[:3], [64, 120 * 128 / 224, 2.5 * 80 * 128 / 224], atol=1e-3)
    assert pose.square.angle == pytest.approx(0, abs=1e-6)
    assert np.abs(pose.image - [60.5, 70.5]).max() < 1
    assert B.BlazePose(Landmarks(), detector(0.4)).find(picture) is None
    assert B.BlazePose(Landmarks(presence=0.4), detector()).find(picture) is None
    assert B.BlazePose(Landmarks(), detector(points=np.full((4, 2), 50.0))).find(picture) is None
    with pytest.raises(RscError, match="no detector"):
        B.BlazePose(Landmarks()).find(picture)
    wide = B.BlazePose(Landmarks(), detector()).find(np.zeros((100, 200, 3), np.uint8))
    assert wide is not None and wide.square.x == pytest.approx(100)
    assert wide.square.y == pytest.approx(50 + (120 - 112) * 200 / 224)


@pytest.mark.parametrize("fault", ["nan", "fewer"])
def test_another_landmark_network_is_refused(fault: str) -> None:
    outputs = Landmarks()(np.zeros((256, 256, 3), np.float32))
    changed = [outputs[0] * np.float32(np.nan), *outputs[1:]] if fault == "nan" else outputs[:3]
    with pytest.raises(RscError, match="BlazePose"):
        B.BlazePose(lambda _: changed).at(picture_with(9, 9), Q.whole(128, 128))


def test_a_predictor_of_twelve_joints() -> None:
    images = torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8)
    network = Landmarks()
    joints = B.BlazePose(network).joints12(images, 32)
    assert joints.shape == (3, 12, 3)
    shown = degrade(images, 32)[2].permute(1, 2, 0).numpy()  # what our networks see, too
    assert np.abs(network.seen - Q.look(shown, Q.whole(128, 128), 256) / 255).max() < 1e-6
    truth = torch.randn(3, 12, 3).double() * 0.3
    trial = Trial("toy", images, truth, np.array(["a", "b", "c"]))
    scores = score_trial({"BlazePose": B.BlazePose(network)}, trial, (128, 32))
    assert np.allclose(scores.of("BlazePose", 32), mpjpe(joints, truth).numpy())


# --- the runtime ---------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that stands in for the landmark model, in a cache of its own."""
    monkeypatch.setenv("RSC_CACHE", str(tmp_path))
    path = tmp_path / "blazepose" / F.KNOWN["full"].name
    path.parent.mkdir()
    path.write_bytes(b"a model")
    digest = F.sha256(path)
    monkeypatch.setattr(F, "KNOWN", {"full": F.Known(path.name, digest, 7)})
    return path


def test_without_the_extra_one_line_says_what_to_install(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(RscError, match=r"pip install 'rsclib\[outside\]'"):
        B.BlazePose.named("full")
    with pytest.raises(RscError, match="choose from lite, full, heavy"):
        B.BlazePose.named("huge")
    model.write_bytes(b"another")
    with pytest.raises(RscError, match="damaged"):
        B.open_model("full")


class Interpreter:
    """Stands in for the runtime's."""

    def __init__(self, path: str, num_threads: int) -> None:
        assert Path(path).is_file() and num_threads >= 1
        self.network, self.ready, self.outputs = Landmarks(), False, []

    def allocate_tensors(self) -> None:
        self.ready = True

    def get_input_details(self) -> list[dict]:
        return [{"index": 7}]

    def get_output_details(self) -> list[dict]:
        return [{"index": 10 + k} for k in range(5)]

    def set_tensor(self, index: int, value: NDArray) -> None:
        assert index == 7 and value.shape == (1, 256, 256, 3) and self.ready
        self.given = value[0]

    def invoke(self) -> None:
        self.outputs = self.network(self.given)

    def get_tensor(self, index: int) -> NDArray:
        return self.outputs[index - 10]


def test_the_runtime_is_asked_as_it_wants(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, inside = types.ModuleType("ai_edge_litert"), types.ModuleType("interpreter")
    inside.Interpreter = Interpreter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ai_edge_litert", package)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", inside)
    pose = B.BlazePose.named("full").at(picture_with(60, 70), Q.whole(128, 128))
    assert np.abs(pose.image - [60.5, 70.5]).max() < 1 and pose.presence == pytest.approx(0.9)


@pytest.mark.skipif(
    "RSC_REAL_BLAZEPOSE" not in os.environ, reason="set RSC_REAL_BLAZEPOSE to test it"
)
def test_the_real_networks_agree_with_a_mirror() -> None:
    """A mirrored picture gives the mirrored body, roughly."""
    from rsclib.openbench.build import fetch

    rival = B.BlazePose.named("full", find=True)
    images = torch.from_numpy(fetch("test-wild", 256, 128)["images"][200:204]).permute(0, 3, 1, 2)
    there, back = rival.joints12(images, 128), rival.joints12(images.flip(-1), 128)
    back = back[:, list(J14_MIRROR[:12])] * torch.tensor([-1.0, 1, 1])
    assert mpjpe(there, back).median() < 120
    assert any(rival.find(one) for one in B.pictures_of(images, 128))


# --- what is measured ----------------------------------------------------------------------------


def value(rows: list[dict], metric: str, **where: object) -> float:
    found = [r for r in rows if r["metric"] == metric and all(r.get(k) == v for k, v in where.items())]  # fmt: skip
    assert len(found) == 1, found
    return found[0]["value"]


def test_misses_are_counted_and_compared_on_the_same_images() -> None:
    rng = np.random.default_rng(0)
    images = torch.zeros(12, 3, 128, 128, dtype=torch.uint8)
    truth = torch.from_numpy(rng.normal(0, 0.3, (12, 12, 3)))
    clip = np.repeat(["a", "b", "c"], 4)

    class Ours:
        def joints12(self, images: torch.Tensor, size: int) -> torch.Tensor:
            return truth[: len(images)] + torch.tensor([0.01, 0, 0])  # 10 mm

    ours = score_trial({"RSC-Net": Ours()}, Trial("toy", images, truth, clip), (32,))
    answered = np.arange(12) % 4 > 0  # a quarter is missed
    joints = truth + torch.tensor([0.0, 0.03, 0])
    joints[~torch.from_numpy(answered)] += 0.3  # who is not there is far off, too
    rows = rival_rows("it", Found(joints, answered), ours, truth, 32, own=False)
    assert value(rows, "missed", crop="given") == 25
    off = np.linalg.norm([0.3, 0.33, 0.3]) * 250 + 0.75 * 30
    assert value(rows, "mpjpe", crop="given", images=12) == pytest.approx(off, abs=0.01)
    assert value(rows, "mpjpe", crop="given, seen", images=9) == pytest.approx(30, abs=0.01)
    gap = value(rows, "mpjpe minus RSC-Net", crop="given, seen")
    assert gap == pytest.approx(20, abs=0.01)
    joints[~torch.from_numpy(answered)] = torch.nan
    rows = rival_rows("it", Found(joints, answered), ours, truth, 32, own=True)
    assert value(rows, "mpjpe", crop="own detector", images=9, asked=12) == pytest.approx(
        30, abs=0.01
    )
    nobody = rival_rows("it", Found(joints, answered & False), ours, truth, 32, own=True)
    assert [r["metric"] for r in nobody] == ["missed"] and nobody[0]["value"] == 100


def test_what_is_found_keeps_its_place() -> None:
    images = torch.zeros(2, 3, 128, 128, dtype=torch.uint8)
    given = found_by(B.BlazePose(Landmarks(presence=0.2)), images, 32, own=False)
    assert given.joints.isfinite().all() and not given.answered.any()
    own = found_by(B.BlazePose(Landmarks(), detector(0.1)), images, 32, own=True)
    assert own.joints.isnan().all() and not own.answered.any()
    assert found_by(B.BlazePose(Landmarks(), detector()), images, 32, own=True).answered.all()


def test_agreement_means_what_it_says() -> None:
    rng = torch.Generator().manual_seed(0)
    truth = [0.3 * torch.randn(6 + k, 14, 3, generator=rng).double() for k in range(4)]
    off = torch.zeros(14, 3).double()
    off[0, 0] = 0.12  # an ankle, 12 cm: 10 mm of twelve joints
    people = {"HR-only": [Seen(j, j + off) for j in truth], "RSC-Net": [Seen(j, j) for j in truth]}
    seen = [np.arange(len(j)) > 0 for j in truth]
    seen[3][:] = False  # BlazePose never sees the last person
    theirs = [Answers(on_limbs(j), s) for j, s in zip(truth, seen, strict=True)]
    theirs[0].joints[0] += 9  # where it sees nobody, what it says does not count
    rows = agreement_rows(people, theirs, "BlazePose full", 32)
    assert {r["people"] for r in rows} == {3} and {r["images"] for r in rows} == {5 + 6 + 7}
    assert {r["reference"] for r in rows} == {"BlazePose full, native"}
    agreement = "blazepose_agreement"
    assert value(rows, agreement, method="HR-only", resolution="native") == pytest.approx(
        0, abs=1e-6
    )
    assert value(rows, agreement, method="HR-only", resolution=32) == pytest.approx(10, abs=0.01)
    assert value(rows, f"{agreement} minus native", method="HR-only") == pytest.approx(10, abs=0.01)
    assert value(rows, f"{agreement} minus HR-only", method="RSC-Net", resolution=32) == pytest.approx(-10, abs=0.01)  # fmt: skip
    assert value(rows, "blazepose_pa_agreement", method="RSC-Net", resolution=32) < 1e-3
    assert value(rows, f"{agreement}_by_chance", method="RSC-Net", resolution=32) > 300
    assert not [r for r in rows if "mpjpe" in r["metric"]], "agreement, never an error"


def test_answers_on_crops() -> None:
    sees, not_sees = (B.BlazePose(Landmarks(p)) for p in (0.9, 0.1))
    crops = [picture_with(30, 40, 64)] * 2
    assert answers(sees, crops).seen.all() and not answers(not_sees, crops).seen.any()
    assert answers(sees, crops).joints.shape == (2, 12, 3)
