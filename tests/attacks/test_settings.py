"""Settings and command lines made of anything: a usable configuration, or one line."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsclib import cli
from rsclib.errors import RscError
from rsclib.losses import LossConfig
from rsclib.methods import load_config
from rsclib.methods.rsc import WARMUP, RscConfig
from rsclib.resolution import PRESETS
from rsclib.train import warm_cosine

KEYS = [f.name for f in dataclasses.fields(RscConfig)]
LOSS = [f.name for f in dataclasses.fields(LossConfig)]
WORDS = (
    "edu", "paper", "shared", "per_range", "none", "nce", "mse", "even", "rising", "sum",
    "directional", "bf16-mixed", "32-true", "64-true", "", "Edu", "__init__", "per range", "\x00",
)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 40), st.integers(), st.floats(), st.dates(),
    st.sampled_from(WORDS), st.text(max_size=8), st.binary(max_size=4),
    st.sampled_from([10**400, -(10**400), 2**64, 1e-320, math.nan, math.inf]),
)  # fmt: skip
pairs = st.lists(st.tuples(st.integers(-1, 6), st.integers(-1, 9)).map(list), max_size=5)
values = st.recursive(
    st.one_of(scalars, pairs),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
loss = st.dictionaries(st.sampled_from([*LOSS, "x"]), scalars, max_size=3)
documents = st.dictionaries(st.sampled_from([*KEYS, "lrate", "loss"]), values, max_size=3)
lossy = st.builds(lambda a, b: a | {"loss": b}, documents, loss)


def check(path: Path) -> RscConfig | None:
    """The configuration, usable, or None where it was refused with one line."""
    try:
        config = load_config(str(path))
    except RscError as error:
        line = str(error)
        assert "\n" not in line and line.isprintable() and path.name in line and len(line) < 2100
        return None
    assert isinstance(config, RscConfig)
    ranges = PRESETS[config.ranges]
    assert 1 <= config.scales_at(0) <= config.scales_at(config.steps - 1) <= ranges.count
    assert config.steps >= 1 and config.batch >= 1 and 0 <= config.lab_share <= 1
    assert 0 < warm_cosine(config.lr, 0, config.steps, WARMUP, 0.1) < math.inf
    assert all(math.isfinite(v) for v in vars(config.loss).values() if not isinstance(v, str))
    return config


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(documents, lossy, values))
def test_any_values(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    check(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=60), st.text("lr: [{&a*a!<|>-\t\n\r#'\"?%@`,0x9e", max_size=60))
)
def test_any_text(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check(path)


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
    for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
)
BAD = {
    "billion laughs": LAUGHS, "laughs as a value": LAUGHS + "lr: *k", "itself": "lr: &a [*a]",
    "merge": "a: &a {x: 1}\nb: {<<: [*a, *a]}", "tab": "lr:\t1\n\tbatch: 2", "date": "lr: 2001-99-99",
    "deep": "lr: " + "[" * 5000, "deep map": "{a: " * 5000, "huge hex": "batch: 0x" + "f" * 9000,
    "huge key": "? 0x" + "f" * 9000 + "\n: 1", "digits": "batch: " + "9" * 9000,
    "python": "lr: !!python/object/apply:os.system [true]", "int tag": "lr: !!int ''",
    "float tag": "lr: !!float x", "time tag": "lr: !!timestamp x", "binary": "lr: !!binary x",
    "list key": "? [a]\n: 1", "two documents": "lr: 1\n---\nlr: 2", "long": "#" * 70_000,
    "a list": "[1]", "a number": "0", "false": "false", "unknown": "lrate: 1",
    "unknown loss": "loss: {tua: 1}", "loss list": "loss: []", "loss null": "loss: null",
    **{f"lr {v}": f"lr: {v}" for v in ("0", "-1", ".nan", ".inf", "yes", "'1'", "1e9", "null")},
    **{f"batch {v}": f"batch: {v}" for v in ("0", "-1", "2.0", "true", "1e9", "99999999")},
    **{f"seed {v}": f"seed: {v}" for v in ("-1", "4294967296")},
    **{f"lab_share {v}": f"lab_share: {v}" for v in ("-0.1", "1.1", ".nan")},
    **{f"schedule {v}": f"schedule: {v}" for v in (
        "[]", "[[2]]", "[[2, 0]]", "[[2, -5]]", "[[0, 5]]", "[[6, 5]]", "[[3, 5], [2, 5]]",
        "[[2, 5], [2, 5]]", "[[2.0, 5]]", "[[true, 5]]", "3", "null", "[2, 5]", "{2: 5}",
        "[[5, 10000000000]]", "[['2', 5]]",
    )},
    **{f"{key}": f"{key}: Nope" for key in ("ranges", "net", "norm", "precision")},
    **{f"loss {key}": f"loss: {{{key}: nope}}"
       for key in ("ss", "feat", "scale_weights", "pair_scale")},
    **{f"loss {v}": f"loss: {{{v}}}" for v in (
        "tau: 0", "tau: -1", "queue: 0", "ramp_steps: -1", "factor: 0", "pose: -1", "pose: .nan")},
    "init": "init: ''", "init number": "init: 3", "learn_alpha": "learn_alpha: 1",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(BAD[name], encoding="utf-8")
    assert check(path) is None


def test_there_are_enough() -> None:
    assert len(BAD) >= 70


def test_good(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("schedule: [[5, 3]]\nlr: 1\ninit: null\nloss: {ss: none, tau: 0.5}")
    config = check(path)
    assert config is not None and config.lr == 1.0 and config.loss.ss == "none"
    for preset in ("ci", "edu", "paper"):
        load_config(preset)


def test_names_no_system_takes() -> None:
    for name in ("x" * 5000, "nul\0", "/nowhere/\udcff", ".", "", "../presets"):
        with pytest.raises(RscError):
            load_config(name)


# --- the command line ------------------------------------------------------------------------

WORDS_OF_THE_LINE = (
    "demo", "data", "build", "data-build", "train", "pretrain", "eval", "predict", "test-wild",
    "source", "nope", "ci", "full", "hr-only", "no.jpg", "--out", "--count", "--size", "--seed",
    "--model", "--box", "--part", "--steps", "--lr", "--images", "--start", "--help", "-h", "--",
    "0", "-1", "32", "1e400", "nan", "None", "True", "", " ", "x" * 300, "nul\0",  "*",
    "--no-compile", "--count=3", "--=", "-", "@file", "--person", "9" * 400, "\x1b[2J",
)  # fmt: skip


def test_random_command_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The work itself is replaced; what checks the arguments is not."""
    monkeypatch.chdir(tmp_path)
    work = {name: (kind, lambda _: None) for name, (kind, _) in cli.COMMANDS.items()}
    checks = {name: cli.COMMANDS[name] for name in ("data build", "train", "predict")}
    monkeypatch.setattr(cli, "COMMANDS", work | checks)
    for place in ("rsclib.methods.run", "rsclib.openbench.build.build"):
        monkeypatch.setattr(place, lambda *_, **__: None)
    rng, codes = random.Random(0), {0: 0, 2: 0}
    for _ in range(250):
        words = rng.choices(WORDS_OF_THE_LINE, k=rng.randint(0, 6))
        if rng.random() < 0.7:
            words.insert(0, rng.choice(WORDS_OF_THE_LINE[:8]))
        try:
            code = cli.main(words)
        except SystemExit as stop:
            code = 0 if stop.code is None else stop.code  # type: ignore[assignment]
        out, err = capsys.readouterr()
        assert code in (0, 2), (words, code)
        assert "Traceback" not in out + err, words
        codes[code] += 1
    assert codes[0] > 5 and codes[2] > 100 and sum(codes.values()) == 250
