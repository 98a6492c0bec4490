"""joblib's dumps, read by a machine that runs nothing: equal to joblib's own reader, deaf otherwise."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyPickler

from rsclib.errors import RscError
from rsclib.files.joblib_files import read_joblib
from rsclib.readers.vibe_db import read_vibe_db, read_vibe_people
from tests import trees


def entries(n: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "vid_name": np.array([f"downtown_arguing_00_{i % 2}" for i in range(n)]),
        "features": rng.normal(0, 1, (n, 2048)).astype(np.float32),
        "pose": rng.normal(0, 1, (n, 72)), "frame_id": np.arange(n), "valid": np.ones(n, bool),
        "f_order": np.asfortranarray(rng.normal(0, 1, (n, 4))), "empty": np.zeros((0, 3)),
        "names": ["a", "b"], "fps": 30, "bytes": np.array([b"ab", b"c"]),
    }  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_equals_joblib(tmp_path: Path, protocol: int) -> None:
    joblib.dump(entries(), tmp_path / "db.pt", protocol=protocol)
    ours, theirs = read_joblib(tmp_path / "db.pt"), joblib.load(tmp_path / "db.pt")
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, np.ndarray):
            assert ours[key].dtype == value.dtype and ours[key].shape == value.shape, key
            np.testing.assert_array_equal(ours[key], value, err_msg=key)
        else:
            assert ours[key] == value, key
    with pytest.raises(ValueError, match="read-only"):
        ours["pose"][0] = 1  # a map of the file, not memory


class OldPickler(NumpyPickler):
    """joblib before 1.2, which wrote the bytes right behind the wrapper."""

    def save(self, obj: Any) -> None:
        if type(obj) is not np.ndarray:
            pickle._Pickler.save(self, obj)  # type: ignore[attr-defined]
            return
        wrapper = NumpyArrayWrapper(type(obj), obj.shape, "C", obj.dtype, allow_mmap=True)
        del wrapper.numpy_array_alignment_bytes
        pickle._Pickler.save(self, wrapper)  # type: ignore[attr-defined]
        if self.proto >= 4:
            self.framer.commit_frame(force=True)
        self.file_handle.write(obj.tobytes())


@pytest.mark.parametrize("protocol", [3, 4])
def test_old_dumps(tmp_path: Path, protocol: int) -> None:
    wanted = {
        key: np.ascontiguousarray(v) for key, v in entries().items() if key in ("pose", "vid_name")
    }
    content = io.BytesIO()
    OldPickler(content, protocol=protocol).dump(wanted)
    (tmp_path / "db.pt").write_bytes(content.getvalue())
    ours = read_joblib(tmp_path / "db.pt")
    for key, value in wanted.items():
        np.testing.assert_array_equal(ours[key], value)


class Payload:
    def __init__(self, *what: Any) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        return self.what


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    "content",
    [
        Payload(print, ("it ran",)), {"a": Payload(exec, ("print('it ran')",))},
        {"a": [Payload(eval, ("print('it ran')",))]},
        {"a": np.array([Payload(print, ("it ran",))], object)},
        {"a": np.zeros(3), "b": Payload(getattr, ({}, "get"))},
    ],
)  # fmt: skip
def test_nothing_is_run(
    tmp_path: Path, content: Any, protocol: int, capsys: pytest.CaptureFixture[str]
) -> None:
    joblib.dump(content, tmp_path / "db.pt", protocol=protocol)
    with pytest.raises(RscError, match=r"Nothing was run|is damaged"):
        read_joblib(tmp_path / "db.pt")
    assert "it ran" not in capsys.readouterr().out
    joblib.load(tmp_path / "db.pt")  # the payload does work
    assert ("it ran" in capsys.readouterr().out) == (
        not isinstance(content, dict) or "b" not in content
    )


def assembled(*parts: bytes) -> bytes:
    return b"\x80\x03" + b"".join(parts) + b"."


@pytest.mark.parametrize(
    "content",
    {
        "empty": b"", "compressed": b"x\x9c123", "a list": assembled(b"]"),
        "a number as key": assembled(b"}K\x01K\x02s"), "a tuple as key": assembled(b"})K\x02s"),
        "a claimed length": assembled(b"}B\xff\xff\xff\x7f"), "persistent": assembled(b"}Pabc\n"),
        "extension": assembled(b"\x82\x01"), "set": assembled(b"\x8f"),
        "state of a dictionary": assembled(b"}}b"), "bytearray": assembled(b"\x96" + b"\xff" * 8),
        "state of a class": assembled(b"cnumpy\ndtype\n}b"), "old dict": assembled(b"(d"),
    }.items(), ids=lambda pair: pair[0],
)  # fmt: skip
def test_odd_instructions(tmp_path: Path, content: tuple[str, bytes]) -> None:
    (tmp_path / "db.pt").write_bytes(content[1])
    with pytest.raises(RscError) as error:
        read_joblib(tmp_path / "db.pt")
    assert str(tmp_path / "db.pt") in str(error.value)


def test_an_array_that_claims_more_than_there_is(tmp_path: Path) -> None:
    joblib.dump({"a": np.zeros(1000)}, tmp_path / "db.pt")
    whole = (tmp_path / "db.pt").read_bytes()
    (tmp_path / "db.pt").write_bytes(whole.replace(b"M\xe8\x03", b"J\xe8\x03\x00\x7f"))
    with pytest.raises(RscError, match="cut short"):
        read_joblib(tmp_path / "db.pt")
    with pytest.raises(RscError, match="cannot read"):
        read_joblib(tmp_path / "nope.pt")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_damaged_dumps_are_refused_or_read(tmp_path: Path, data: st.DataObject) -> None:
    """Cut short or with changed bytes: an RscError, or still a dictionary; never anything else."""
    path = tmp_path / "db.pt"
    if not (tmp_path / "good.pt").exists():
        small = {k: v for k, v in entries(2).items() if k != "features"}
        joblib.dump(small, tmp_path / "good.pt")
    good = (tmp_path / "good.pt").read_bytes()
    content = bytearray(good[: data.draw(st.integers(0, len(good)))])
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        outcome: object = read_joblib(path)
    except RscError as error:
        outcome = error
    assert isinstance(outcome, dict) or str(outcome).isprintable()
    path.unlink()


# --- VIBE's databases --------------------------------------------------------------------------


def database(root: Path, **changes: Any) -> Path:
    names = [f"data/3dpw/imageFiles/a_00/image_{i:05d}.jpg" for i in range(4)]
    for i, name in enumerate(names):
        trees.picture(root / name.removeprefix("data/"), i)
    rng = np.random.default_rng(0)
    arrays = {
        "vid_name": np.array(["a_00_0"] * 2 + ["a_00_1"] * 2), "img_name": np.array(names),
        "frame_id": np.arange(4), "bbox": np.tile([48.0, 50.0, 60.0, 60.0], (4, 1)),
        "joints2D": rng.uniform(10, 80, (4, 14, 3)), "joints3D": rng.normal(0, 0.3, (4, 14, 3)),
        "pose": trees.poses(4), "shape": rng.normal(0, 1, (4, 10)),
        "features": rng.normal(0, 1, (4, 2048)).astype(np.float32),
    } | changes  # fmt: skip
    path = root / "vibe_db/3dpw_test_db.pt"
    path.parent.mkdir(exist_ok=True)
    joblib.dump({k: v for k, v in arrays.items() if v is not None}, path)
    return path


def test_a_database_of_vibe(tmp_path: Path) -> None:
    path = database(tmp_path)
    arrays = read_vibe_db(path)
    assert arrays["features"].shape == (4, 2048)
    found = read_vibe_people(path, tmp_path).check_images()
    assert found.clip.tolist() == ["a_00/0"] * 2 + ["a_00/1"] * 2
    assert found.images[2] == "3dpw/imageFiles/a_00/image_00002.jpg"
    np.testing.assert_allclose(found.side, 72)
    np.testing.assert_allclose(found.keypoints[:, :14], arrays["joints2D"], rtol=1e-6)
    assert not found.keypoints[:, 14:].any() and found.labels().has_smpl.all()


def test_of_49_joints_the_last_24_count(tmp_path: Path) -> None:
    joints = np.random.default_rng(1).uniform(10, 80, (4, 49, 3))
    found = read_vibe_people(database(tmp_path, joints2D=joints), tmp_path)
    np.testing.assert_allclose(found.keypoints, joints[:, 25:], rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"img_name": None}, "has no img_name"), ({"vid_name": None}, "not a database of VIBE"),
        ({"bbox": np.zeros((4, 3))}, "bbox is"), ({"pose": np.zeros((3, 72))}, "not a database of VIBE"),
        ({"img_name": np.array(["/etc/passwd"] * 4)}, "no data set is known"),
        ({"img_name": np.array(["x/imageFiles/../../../y.jpg"] * 4)}, "outside"),
    ],
)  # fmt: skip
def test_a_malformed_database(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = database(tmp_path, **changes)
    with pytest.raises(RscError, match=message):
        read_vibe_people(path, tmp_path)
