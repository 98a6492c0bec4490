"""Rebuild the open body from its source and compare it with the shipped file."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rsclib.body import OPEN_BODY

ROOT = Path(__file__).parent.parent
NEEDED = [m for m in ("anny", "fast_simplification") if importlib.util.find_spec(m) is None]


@pytest.mark.slow
@pytest.mark.skipif(bool(NEEDED), reason=f"needs the 'assets' extra ({', '.join(NEEDED)} missing)")
def test_rebuild(tmp_path: Path) -> None:
    """The same arrays come out: topology and indices exactly, numbers up to rounding."""
    out = tmp_path / "open_body.npz"
    subprocess.run(
        [sys.executable, ROOT / "benchmarks/assets/build_body.py", "--out", out],
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=900,
    )
    with np.load(out, allow_pickle=False) as new, np.load(OPEN_BODY, allow_pickle=False) as old:
        assert sorted(new.files) == sorted(old.files)
        for key in ("f", "uv_faces", "mirror", "weights_joint", "parents", "part_of_vertex"):
            np.testing.assert_array_equal(new[key], old[key], err_msg=key)
        for key, tolerance in (("v_template", 1e-5), ("shapedirs", 1e-4), ("uv", 2)):
            a, b = new[key].astype(np.float64), old[key].astype(np.float64)
            np.testing.assert_allclose(a, b, atol=tolerance, rtol=0, err_msg=key)
