"""Built parts are found by a version, not by their content: the version must tell when that changes.

``fixtures/golden_people.npz`` holds the first three people of every part, 64 px, and the version
that they were made for. ``python -m tests.test_golden`` writes it anew.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rsclib.files.atomic import write_bytes
from rsclib.openbench import build as B
from rsclib.openbench import people
from rsclib.openbench.parts import SPLITS
from rsclib.openbench.sequences import make_sequences

SAMPLE = Path(__file__).parent / "fixtures" / "golden_people.npz"
# Today's name of an array by its name in the sample, where they differ.
RENAMED = {"keypoints": "keypoints2d", "joints24": "keypoints3d"}
REWRITE = "run python -m tests.test_golden to write the sample anew"
RAISE = f"raise VERSION in rsclib/openbench/build.py (or this part's in parts.py), then {REWRITE}"
# Another processor rounds other last bits. Measured with every vector instruction switched off:
# truth moves by 3e-7 at most and no pixel does, but one at the edge of a triangle might.
TRUTH = {
    "keypoints": 1e-5,  # of half the picture's side: a thousandth of a pixel
    "joints24": 1e-5, "joints14": 1e-5,  # metres: a hundredth of a millimetre
    "pose": 1e-5, "betas": 1e-5,
}  # fmt: skip
PIXELS = {"images": 1, "mask": 0, "parts": 0, "dense": 0}  # levels that a value may be off
EDGE = 0.005  # share of the values that may be off by more; one other outfit changes 3 % and up

Arrays = dict[str, NDArray]


def make(part: str) -> Arrays:
    """The first three people of a part, under the names of the sample."""
    names = {new: old for old, new in RENAMED.items()}
    make_part = make_sequences if SPLITS[part].frames else people.make_people
    made = make_part(SPLITS[part], 0, 0, 3, 64)
    return {names.get(name, name): array for name, array in made.items()}


def version(part: str) -> str:
    return f"{B.VERSION}.{SPLITS[part].version}"


def complaint(sample: Arrays, part: str, made: Arrays) -> str | None:
    """What is wrong with ``made``, and what to do; None: it is what the sample holds."""
    kept = {k.partition("/")[2]: v for k, v in sample.items() if k.startswith(f"{part}/")}
    if (old := str(kept.pop("version", "none"))) != version(part):
        return f"{part} is version {version(part)} and the sample's is {old}: {REWRITE}"
    if unlike := sorted(kept.keys() ^ made.keys()):
        return f"{part} has other arrays ({', '.join(unlike)}): {RAISE}"
    for name, old_array in kept.items():
        array = made[name]
        if array.shape != old_array.shape or array.dtype != old_array.dtype:
            return f"{part}/{name} is {array.dtype} {array.shape} now: {RAISE}"
        if name in TRUTH or name in PIXELS:
            off = np.abs(array.astype(np.float64) - old_array)
            bad = off > (TRUTH[name] if name in TRUTH else PIXELS[name])
            allowed = EDGE if name in PIXELS else 0.0
        else:  # names and numbers of people
            bad, allowed = array != old_array, 0.0
        if bad.mean() > allowed:
            return f"{part}/{name} is not what it was ({bad.mean():.1%} of it): {RAISE}"
    return None


def write() -> None:
    """Write the sample."""
    sample: Arrays = {}
    for part in SPLITS:
        sample |= {f"{part}/{name}": array for name, array in make(part).items()}
        sample[f"{part}/version"] = np.array(version(part))
    content = io.BytesIO()
    np.savez_compressed(content, **sample)  # type: ignore[arg-type]
    write_bytes(SAMPLE, content.getbuffer())


@pytest.fixture(scope="module")
def sample() -> Arrays:
    with np.load(SAMPLE) as file:
        return dict(file)


@pytest.fixture(scope="module")
def made() -> dict[str, Arrays]:
    return {part: make(part) for part in SPLITS}


def test_a_part_is_what_its_version_says(sample: Arrays, made: dict[str, Arrays]) -> None:
    assert {key.partition("/")[0] for key in sample} == set(SPLITS), REWRITE
    wrong = [c for part in SPLITS if (c := complaint(sample, part, made[part]))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", SPLITS)
def test_the_same_on_another_processor_is_the_same(
    part: str, sample: Arrays, made: dict[str, Arrays]
) -> None:
    rng = np.random.default_rng(0)
    other = {k: v.copy() for k, v in made[part].items()}
    other["images"] ^= 1  # every value by a level
    other["keypoints"] += rng.uniform(-3e-7, 3e-7, other["keypoints"].shape).astype(np.float32)
    edge = rng.choice(64 * 64, 12, replace=False)  # 0.1 % of the pixels of three people
    other["images"].reshape(3 * 64 * 64, 3)[edge] ^= 128
    assert complaint(sample, part, other) is None


def test_a_change_is_noticed(sample: Arrays, made: dict[str, Arrays]) -> None:
    def changed(part: str, name: str, array: NDArray) -> str:
        return complaint(sample, part, made[part] | {name: array}) or ""

    for part in SPLITS:
        brighter = np.clip(made[part]["images"].astype(int) + 2, 0, 255).astype(np.uint8)
        assert "images" in changed(part, "images", brighter)
        for name in TRUTH.keys() & made[part].keys():
            moved = made[part][name].copy()
            moved.reshape(-1)[7] += 0.001  # a millimetre
            assert f"{part}/{name}" in changed(part, name, moved)
        for name in PIXELS.keys() & made[part].keys() - {"images"}:
            shifted = np.roll(made[part][name], 1, 1)
            assert f"{part}/{name}" in changed(part, name, shifted)
        for name in ("clip", "place", "person"):
            swapped = made[part][name].copy()
            swapped[1] = swapped[1] + (1 if name == "person" else "x")
            assert RAISE in changed(part, name, swapped)
    assert RAISE in changed("source", "depth", np.zeros(3))
    assert RAISE in changed("source", "betas", made["source"]["betas"].astype(np.float64))


def test_another_outfit_is_noticed(sample: Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    real, last = people.outfit_of, int(sample["test-lab/person"][2])
    monkeypatch.setattr(people, "outfit_of", lambda seed, varied: real(seed + (seed == last)))
    assert "test-lab/images is not what it was" in (
        complaint(sample, "test-lab", make("test-lab")) or ""
    )


def test_a_new_version_needs_a_new_sample(
    sample: Arrays, made: dict[str, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(B, "VERSION", B.VERSION + 1)
    for part in SPLITS:
        said = complaint(sample, part, made[part]) or ""
        assert REWRITE in said and RAISE not in said


if __name__ == "__main__":
    write()
