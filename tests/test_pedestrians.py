"""Pedestrians: who is in which part, that truth and pixels agree, that a person stays the same.

``fixtures/golden_pedestrians.npz`` holds one person of each part at 64 px and the version that it was
made for; ``python -m tests.test_pedestrians`` writes it anew.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from rsclib.errors import RscError
from rsclib.files.atomic import write_bytes
from rsclib.geometry import axis_angle_to_rotmat
from rsclib.openbench import build as B
from rsclib.openbench import pedestrians as P
from rsclib.openbench.faces import REGIONS, Face, load_regions, paint_face
from rsclib.openbench.outfits import HAIR, SIZE, SKIN
from rsclib.openbench.parts import SPLITS, STREETS
from rsclib.openbench.people import workshop
from rsclib.openbench.streetwear import Streetwear
from rsclib.render import zbuffer
from tests.test_golden import EDGE, PIXELS

SAMPLE = Path(__file__).parent / "fixtures" / "golden_pedestrians.npz"
PX = 64
Arrays = dict[str, np.ndarray]
RAISE = (
    "raise VERSION in rsclib/openbench/build.py (or this part's in parts.py), then run "
    "python -m tests.test_pedestrians to write the sample anew"
)


def make(part: str, people: int = 1) -> Arrays:
    return P.make_pedestrians(STREETS[part], 0, 0, people * P.VIEWS, PX)


def version(part: str) -> str:
    return f"{B.VERSION}.{STREETS[part].version}"


def write() -> None:
    """Write the sample."""
    sample: Arrays = {}
    for part in STREETS:
        sample |= {f"{part}/{name}": array for name, array in make(part).items()}
        sample[f"{part}/version"] = np.array(version(part))
    content = io.BytesIO()
    np.savez_compressed(content, **sample)  # type: ignore[arg-type]
    write_bytes(SAMPLE, content.getbuffer())


@pytest.fixture(scope="module")
def train() -> Arrays:
    return make("pedestrians-train", 4)


@pytest.fixture(scope="module")
def streetwear() -> Streetwear:
    _, surface, wardrobe = workshop()
    return Streetwear(wardrobe, surface)


@pytest.mark.parametrize("part", STREETS)
def test_a_part_is_what_its_version_says(part: str) -> None:
    with np.load(SAMPLE) as file:
        sample = {k.partition("/")[2]: v for k, v in file.items() if k.startswith(f"{part}/")}
    assert str(sample.pop("version")) == version(part), "run python -m tests.test_pedestrians"
    made = make(part)
    assert made.keys() == sample.keys() == P.ARRAYS, RAISE
    for name, old in sample.items():
        new = made[name]
        assert (new.shape, new.dtype) == (old.shape, old.dtype), f"{part}/{name}: {RAISE}"
        if new.dtype.kind == "f":
            np.testing.assert_allclose(new, old, atol=1e-3 if name == "camera" else 1e-5)
        elif name in ("images", "uv", "mask"):
            off = np.abs(new.astype(int) - old) > PIXELS.get(name, 1)
            assert off.mean() <= EDGE, f"{part}/{name}: {RAISE}"
        else:
            assert (new == old).all(), f"{part}/{name}: {RAISE}"


def test_parts_share_no_person_place_or_stream() -> None:
    ranges = [range(*s.outfits) for s in (*SPLITS.values(), *STREETS.values()) if s.name != "oracle-wild"]  # fmt: skip
    streets = [range(*s.outfits) for s in STREETS.values()]
    assert not set(streets[0]) & set(streets[1]) and max(streets[1]) < 10_000, "four digits"
    streams = [s.stream for s in (*SPLITS.values(), *STREETS.values()) if s.name != "oracle-wild"]
    assert len(set(streams)) == len(streams) == len(ranges)
    cameras = range(1, P.CAMERAS + 1)
    places = [{p for c in cameras for p in P.places_of(m, c)} for m in ("train", "test")]
    assert places[0] and places[1] and not places[0] & places[1]
    for motions in ("train", "test"):  # no place is seen by two cameras, none stands nowhere
        seen = [p for c in cameras for p in P.places_of(motions, c)]
        assert len(seen) == len(set(seen)) and all(P.places_of(motions, c) for c in cameras)
    bodies = np.stack([P.body_of(i) for i in (*range(1, 600), *range(4000, 4200))])
    assert len(np.unique(bodies, axis=0)) == len(bodies)


def test_everybody_is_seen_from_all_sides_by_all_cameras(train: Arrays) -> None:
    from scipy.spatial.transform import Rotation

    faces = Rotation.from_rotvec(train["pose"][:, :3]).apply([0, 0, 1])
    heading = np.arctan2(faces[:, 0], -faces[:, 2]).reshape(-1, P.VIEWS)
    gaps = np.diff(np.sort(heading, 1), axis=1, append=np.sort(heading, 1)[:, :1] + 2 * np.pi)
    assert gaps.max() < np.radians(130), "45 degrees, give or take"
    for cameras in train["camera_id"].reshape(-1, P.VIEWS):
        assert set(cameras) == set(range(1, P.CAMERAS + 1))
    for camera, place in zip(train["camera_id"], train["place"], strict=True):
        assert place in P.places_of("train", int(camera))


def test_the_camera_puts_the_body_where_it_is_seen(train: Arrays) -> None:
    """The unclothed body, projected as the docstring says, lies under the clothed person's mask."""
    body = workshop()[0]
    with torch.no_grad():
        rotmats = axis_angle_to_rotmat(torch.from_numpy(train["pose"]).reshape(-1, 24, 3))
        vertices = body(rotmats, torch.from_numpy(train["betas"])).vertices
    assert vertices is not None
    mask = np.unpackbits(train["mask"], axis=2).astype(bool)
    assert mask.shape == (4 * P.VIEWS, PX, PX // 2)
    faces = body.faces.numpy().astype(np.int32)
    for i, (focal, *translation) in enumerate(train["camera"].astype(np.float64)):
        points = vertices[i].numpy() + np.array(translation)
        x = np.float32(focal * points[:, 0] / points[:, 2] + PX / 4)
        y = np.float32(focal * points[:, 1] / points[:, 2] + PX / 2)
        assert x.min() > -1 and x.max() < PX / 2 + 1 and y.min() > 0 and y.max() < PX
        assert np.ptp(y) > 0.7 * PX or np.ptp(x) > 0.35 * PX, "the person fills the picture"
        seen = zbuffer.silhouette(x, y, faces, PX, PX // 2).astype(bool)
        assert (seen & mask[i]).sum() / seen.sum() > 0.88, "clothes hide skin; they add bulk"
        assert (seen & mask[i]).sum() / (seen | mask[i]).sum() > 0.6


def test_a_person_keeps_its_colours_and_others_have_theirs(train: Arrays) -> None:
    """Hues of the torso (pixels above the middle of the mask) vary less by picture than by person."""
    mask = np.unpackbits(train["mask"], axis=2).astype(bool)
    hues = []
    for image, inside in zip(train["images"], mask, strict=True):
        rows = np.flatnonzero(inside.any(1))
        band = np.zeros_like(inside)
        band[rows[0] + len(rows) // 4 : rows[0] + len(rows) // 2] = True
        colour = image[inside & band].mean(0)
        hues.append(colour / colour.sum())
    hue = np.array(hues).reshape(-1, P.VIEWS, 3)
    assert hue.mean(1).std(0).mean() > 1.3 * hue.std(1).mean()
    assert len(train["uv"]) == 4 and (train["uv"][0] != train["uv"][1]).any(-1).mean() > 0.3
    again = P.make_pedestrians(STREETS["pedestrians-train"], 7, 0, P.VIEWS, 32)
    assert (again["uv"][0] == train["uv"][0]).all(), "another seed shows the same people"
    assert (again["betas"][0] == train["betas"][0]).all()
    assert not np.allclose(again["pose"][0], train["pose"][0])


def test_there_is_detail_that_a_small_picture_loses(streetwear: Streetwear) -> None:
    """Textures of five people: what a grid of 16 texels a side cannot hold is a good part of them."""
    lost = []
    for seed in range(5):
        texture = streetwear.outfit(seed).texture.astype(np.float32)[: SIZE // 2, : SIZE // 2]
        coarse = texture.reshape(8, 32, 8, 32, 3).mean((1, 3), keepdims=True)
        lost.append(np.abs(texture.reshape(8, 32, 8, 32, 3) - coarse).mean())
    assert np.mean(lost) > 8 and min(lost) > 1


def test_a_face_is_painted_where_the_masks_say(streetwear: Streetwear) -> None:
    w, regions = streetwear.wardrobe, load_regions()
    assert set(regions) == set(REGIONS)
    face = Face(SKIN[1], HAIR[1], np.zeros(3, np.float32), 0.8, 0.2, 0.004, 0.02, 0.0, 0.0, 0)
    skin = np.broadcast_to(SKIN[1], (SIZE * SIZE, 3)).astype(np.float32)
    painted = paint_face(face, skin, w.position, w.marks)
    changed = np.abs(painted - skin).max(1) > 1e-6
    assert changed.any() and not (changed & (regions["face"] == 0)).any()
    lips = painted[regions["lips"] > 0.9].mean(0)
    assert lips[0] / lips[1] > 1.2 * SKIN[1][0] / SKIN[1][1], "lips are redder than skin"
    lids = regions["eyelids"] > 0.9
    assert painted[lids].max() > 0.65 and painted[lids].min() < 0.15, "white and pupil"
    for name, mark in (("lips", w.marks["nose"] + [0, -0.042, 0]), ("eyelids", None)):
        where = w.position[regions[name] > 0.5]
        assert abs(where[:, 0].mean()) < 0.003, "left and right are alike"
        if mark is not None:
            assert np.abs(where.mean(0)[1] - mark[1]) < 0.012
    for eye in ("leye", "reye"):
        near = np.linalg.norm(w.position - w.marks[eye], axis=1) < 0.006
        assert regions["eyelids"][near].mean() > 0.8, "the source's eyes are where the body's are"
    beard = paint_face(Face(*[*vars(face).values()][:7], 0.9, 0.9, 0), skin, w.position, w.marks)
    chin = np.linalg.norm(w.position - (w.marks["nose"] + [0, -0.07, -0.03]), axis=1) < 0.02
    assert beard[chin].mean() < 0.8 * painted[chin].mean()


def test_a_built_part_has_a_texture_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(B, "SHARD", 2 * P.VIEWS)
    monkeypatch.setattr(B.os, "cpu_count", lambda: 1)
    wanted = B.Request("pedestrians-test", 3 * P.VIEWS, 32)
    B.build(wanted, cache=tmp_path)
    data = B.load(wanted, cache=tmp_path)
    assert data["images"].shape == (24, 32, 16, 3) and data["uv"].shape == (3, 128, 128, 3)
    assert (data["identity"][:: P.VIEWS] == [4000, 4001, 4002]).all()
    for row, identity in enumerate(data["identity"][:: P.VIEWS]):
        assert (data["uv"][row] == P.true_texture(int(identity))).all()
    some = B.load(B.Request("pedestrians-test", 9, 32), keys=("uv", "identity"), cache=tmp_path)
    assert len(some["uv"]) == 2 and len(some["identity"]) == 9


def test_no_more_people_than_there_are() -> None:
    people = len(range(*STREETS["pedestrians-test"].outfits))
    with pytest.raises(RscError, match="count must be 1 to"):
        B.request("pedestrians-test", people * P.VIEWS + 1)
    with pytest.raises(RscError, match="has 1000 people, no more"):
        P.make_pedestrians(STREETS["pedestrians-test"], 0, people, P.VIEWS, 32)
    with pytest.raises(RscError, match="multiple of 8"):
        P.make_pedestrians(STREETS["pedestrians-test"], 0, 0, 3, 32)


if __name__ == "__main__":
    write()
