"""Pictures of guessed textures: grids as Figure 10, ballots of a blind study, differences of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.html import figure_html
from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.votes import Ballot, Vote, read_votes, store_votes, vote

Picture = NDArray[np.uint8]


def picture_grid(rows: Mapping[str, Sequence[Picture]], titles: Sequence[str]) -> Any:
    """A figure: a line of pictures (H, W, 3) for each name, a column for each title."""
    import matplotlib.pyplot as plt

    widths = [p.shape[1] / p.shape[0] for p in next(iter(rows.values()))]
    height = 1.65
    figure, axes = plt.subplots(
        len(rows), len(titles), figsize=(height * sum(widths) + 0.8, height * len(rows) + 0.2),
        squeeze=False, gridspec_kw={"width_ratios": widths},
    )  # fmt: skip
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(name, fontsize=8)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=8)
    figure.tight_layout(pad=0.3)
    return figure


def ballot_sheet(triples: Sequence[Sequence[Picture]], columns: int = 2) -> Any:
    """A figure of numbered questions: of each the photograph, then the left and the right answer."""
    import matplotlib.pyplot as plt

    lines = -(-len(triples) // columns)
    figure, axes = plt.subplots(
        lines, 3 * columns, figsize=(1.15 * 3 * columns, 1.75 * lines), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for k, triple in enumerate(triples):
        start = 3 * (k % columns)
        for axis, picture, title in zip(
            axes[k // columns][start : start + 3],
            triple,
            (f"{k + 1}", "left", "right"),
            strict=True,
        ):
            axis.imshow(picture)
            axis.set_title(title, fontsize=8)
    figure.tight_layout(pad=0.3)
    return figure


def vote_page(
    triples: Sequence[Sequence[Picture]], ballots: Sequence[Ballot], path: Path
) -> Any:  # fmt: skip
    """A page with two buttons that asks the questions in turn; each answer is stored in ``path`` at once,
    beside those that the file has.

    Args:
        triples: of each ballot the photograph, the left and the right answer.
    """
    import ipywidgets as widgets  # type: ignore[import-untyped]

    picture, state = widgets.HTML(), {"at": 0}
    buttons = [widgets.Button(description=side) for side in ("left", "right")]

    def ask() -> None:
        at = state["at"]
        if at == len(ballots):
            picture.value = f"<p>Done: {len(ballots)} votes stored.</p>"
            for button in buttons:
                button.disabled = True
            return
        picture.value = figure_html(
            ballot_sheet([triples[at]], 1),
            "A photograph of a person, and two textured bodies, left and right.",
            f"Question {at + 1} of {len(ballots)}: which of the two looks more like the person?",
        )

    def answer(button: Any) -> None:
        votes: list[Vote] = read_votes(path)
        store_votes(path, [*votes, vote(ballots[state["at"]], button.description)])
        state["at"] += 1
        ask()

    for button in buttons:
        button.on_click(answer)
    ask()
    return widgets.VBox([picture, widgets.HBox(buttons)])


def gains_of_people(gains: Mapping[str, NDArray[np.floating]], unit: str) -> Any:
    """A figure: of each comparison a dot for every person, right of the line where the first is better, and
    their mean."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.6, 0.62 * len(gains) + 0.9))
    rng = np.random.default_rng(0)
    for place, values in enumerate(gains.values()):
        spread = rng.uniform(-0.28, 0.28, len(values))
        axis.plot(values, place + spread, ".", color=BLUE, ms=4, alpha=0.6)
        axis.plot([values.mean()] * 2, [place - 0.36, place + 0.36], color=VERMILION, lw=2.5)
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(range(len(gains)), list(gains), fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(f"gain of each person, {unit} (right of 0: the first is better)", fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=0.4)
    return figure


def place_maps(values: Mapping[str, NDArray[np.floating]]) -> Any:
    """A figure: for each name a grid (h, w) of numbers, shaded on one scale, each number written in."""
    import matplotlib.pyplot as plt

    top = max(float(v.max()) for v in values.values())
    figure, axes = plt.subplots(1, len(values), figsize=(2.1 * len(values), 3.4), squeeze=False)
    for axis, (name, grid) in zip(axes[0], values.items(), strict=True):
        axis.imshow(grid, cmap="cividis", vmin=0, vmax=top)
        for (i, j), value in np.ndenumerate(grid):
            dark = value < top / 2
            axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7,
                      color="white" if dark else "black")  # fmt: skip
        axis.set_title(name, fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.4)
    return figure


def swatches(rows: Mapping[str, Sequence[Sequence[float]]], titles: Sequence[str]) -> Any:
    """A figure: a line of coloured squares for each name; colours (r, g, b) in [0, 1]."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(0.55 * len(titles) + 0.9, 0.55 * len(rows) + 0.35))
    axis.imshow(np.clip(np.array(list(rows.values())), 0, 1))
    axis.set_xticks(range(len(titles)), list(titles), fontsize=8)
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(rows)), list(rows), fontsize=8)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    figure.tight_layout(pad=0.3)
    return figure
