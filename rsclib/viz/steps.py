"""Pictures of the iterative regressor: its loop, its bodies step by step, its errors over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rsclib.body import Body, BodyOutput
from rsclib.viz.meshes import BLUE, VERMILION
from rsclib.viz.people import TURN, error_lines

INKS = (VERMILION, BLUE, "#009E73", "black", "#CC79A7", "#E69F00")  # Okabe and Ito's


def loop_diagram() -> Any:
    """A figure: phi goes into each of three equal boxes f, and each estimate Theta goes in and on."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Circle, Rectangle

    figure, axis = plt.subplots(figsize=(9.0, 2.7))
    for k in range(4):
        x = 3 * k
        axis.add_patch(Rectangle((x, 0), 1.0, 0.8, facecolor="#e6e6e6", edgecolor="black"))
        axis.text(x + 0.5, 0.4, rf"$\Theta_{k}$", ha="center", va="center", fontsize=13)
        if k == 3:
            break
        axis.add_patch(Rectangle((x + 0.75, 1.25), 1.0, 0.7, facecolor=BLUE, alpha=0.85))
        axis.text(x + 1.25, 1.6, r"$f$", ha="center", va="center", fontsize=13, color="white")
        axis.add_patch(Circle((x + 2.1, 0.4), 0.2, facecolor="white", edgecolor="black"))
        axis.text(x + 2.1, 0.39, "+", ha="center", va="center", fontsize=13)
        for start, end in (
            ((1.0, 0.4), (1.9, 0.4)), ((2.3, 0.4), (3.0, 0.4)), ((0.6, 0.8), (0.98, 1.25)),
            ((1.75, 1.5), (2.1, 0.62)), ((1.25, 2.5), (1.25, 1.95)),
        ):  # fmt: skip
            ends = (x + end[0], end[1]), (x + start[0], start[1])
            axis.annotate("", *ends, arrowprops={"arrowstyle": "->", "lw": 1.3})
    axis.plot([-0.2, 7.25], [2.5, 2.5], color="black", lw=1.3)
    axis.text(-0.3, 2.5, r"$\phi$, one look", ha="right", va="center", fontsize=11)
    axis.text(0.5, -0.3, "the same for everybody", ha="center", fontsize=9)
    axis.text(9.5, -0.3, "the answer", ha="center", fontsize=9)
    axis.set(xlim=(-1.8, 10.2), ylim=(-0.45, 2.7))
    axis.axis("off")
    return figure


def walk(
    picture: NDArray[np.uint8], title: str, truth: BodyOutput, guesses: Sequence[BodyOutput], body: Body
) -> Any:  # fmt: skip
    """A figure: what the network saw, then every estimate over the true body, with its MPJPE."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 1 + len(guesses), figsize=(2.1 * (1 + len(guesses)), 2.5))
    axes[0].imshow(picture)
    axes[0].set_title(title, fontsize=9)
    for k, guess in enumerate(guesses):
        far = 1000 * (guess.joints14 - truth.joints14)[0].norm(dim=-1).mean()
        error_lines(axes[k + 1], truth, guess, body, VERMILION, TURN)
        axes[k + 1].set_title(f"{f'after step {k}' if k else 'start'}: {far:.0f} mm", fontsize=9)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout(pad=0.3)
    return figure


def turn_plot(turns: Tensor, three: Tensor, six: Tensor) -> Any:
    """A figure: axis-angle (N, 3) and 6D numbers (N, 6) over a turn of ``turns`` (N,) radians; a
    line breaks where a number jumps."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.0, 2.9), sharex=True)
    styles = ["-", "--", ":", "-.", (0, (1, 1)), (0, (5, 1))]
    for axis, values, title in zip(
        axes, (three, six), ("axis-angle: torn", "six numbers: whole"), strict=True
    ):
        for k, style in enumerate(styles[: values.shape[1]]):
            line = values[:, k].clone()
            line[1:][line.diff().abs() > 3] = float("nan")
            axis.plot(turns.rad2deg(), line, linestyle=style, color=INKS[k], label=f"{k + 1}")
        axis.set_title(title, fontsize=10)
        axis.legend(title="number", title_fontsize=8, fontsize=8, frameon=False, loc="center left",
                    bbox_to_anchor=(1, 0.5))  # fmt: skip
        axis.set(xlabel="turn about the vertical (\N{DEGREE SIGN})", xticks=range(0, 361, 90))
    figure.tight_layout()
    return figure


def starts_plot(
    panels: Mapping[str, Mapping[str, NDArray[np.floating]]],
    trained: int,
    length: Sequence[float] = (),
) -> Any:
    """A figure: a panel for each loop, with a curve for each start: mean error over the steps.

    Args:
        panels: by title, by name of the start (three at most): errors (steps + 1, people), mm. trained: the step at
            which training stopped. length: of each step; in a panel of its own.
    """
    import matplotlib.pyplot as plt

    count = len(panels) + bool(len(length))
    figure, axes = plt.subplots(1, count, figsize=(4.7 * count, 3.2), sharey=not len(length))
    for axis, (title, curves) in zip(axes, panels.items(), strict=False):
        for (name, errors), marker, colour in zip(
            curves.items(), "os^", (VERMILION, BLUE, "black"), strict=False
        ):
            axis.plot(errors.mean(1), marker=marker, markersize=4, color=colour, label=name)
        axis.axvline(trained, color="0.6", linestyle="--", linewidth=1)
        axis.set(xlabel="step", ylabel="MPJPE (mm)", title=title, ylim=(0, 520))
    axes[0].legend(frameon=False, fontsize=9, loc="lower right")
    if len(length):
        colours = [VERMILION] * trained + ["0.7"] * (len(length) - trained)
        axes[-1].bar(range(1, len(length) + 1), length, color=colours)
        axes[-1].set(xlabel="step", ylabel="length in 6D", title="how far each step goes")
    figure.tight_layout()
    return figure
