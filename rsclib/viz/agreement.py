"""Pictures of agreement: where a drawn mesh and the person are the same pixels, and where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsclib.viz.meshes import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bytes = NDArray[np.uint8]
# Of the background and the six parts; Okabe and Ito's, told apart by every kind of eye.
PARTS = (
    (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.6, 0.6, 0.6), (0.0, 0.447, 0.698), (0.337, 0.706, 0.914),
    (0.835, 0.369, 0.0), (0.902, 0.624, 0.0),
)  # fmt: skip
RIGHT, MISSED, EXTRA, OTHER = (0.8, 0.8, 0.8), VERMILION, BLUE, (0.941, 0.894, 0.259)
WORDS = {"right": RIGHT, "missed": MISSED, "too much": EXTRA, "another part": OTHER}


def part_picture(classes: NDArray[np.integer[Any]]) -> Bytes:
    """A map (S, S) of classes 0 to 6 in the colours of the parts, (S, S, 3)."""
    return _bytes(np.array(PARTS)[np.asarray(classes)])


def agreement(truth: NDArray[np.integer[Any]], found: NDArray[np.integer[Any]]) -> Bytes:
    """Two maps (S, S) of classes, 0 the background, as a picture (S, S, 3): white where both see nobody,
    grey where both see the same part, vermilion where the person is missed, blue where there is too much
    mesh, yellow where another part is seen."""
    out = np.ones((*truth.shape, 3))
    there, said = truth > 0, found > 0
    out[there & (truth == found)] = RIGHT
    out[there & said & (truth != found)] = OTHER
    out[there & ~said] = MISSED
    out[~there & said] = EXTRA
    return _bytes(out)


def agreement_sheet(
    seen: Sequence[Bytes], truth: Sequence[NDArray[Any]],
    found: Mapping[str, Sequence[NDArray[Any]]], names: Sequence[str],
) -> Figure:  # fmt: skip
    """A figure, a row a person: what is seen, the true parts, and each model's agreement with them, with the
    share of pixels that are right.

    Args:
        seen: pictures (S, S, 3). truth: maps (S, S). found: maps by model. names: of the people.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    columns = 2 + len(found)
    figure, axes = plt.subplots(
        len(seen), columns, figsize=(1.75 * columns, 1.95 * len(seen) + 0.4), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for n, row in enumerate(axes):
        row[0].imshow(seen[n])
        row[0].set_title(names[n], fontsize=9)
        row[1].imshow(part_picture(truth[n]), interpolation="nearest")
        row[1].set_title("truth", fontsize=9)
        for axis, (model, maps) in zip(row[2:], found.items(), strict=True):
            axis.imshow(agreement(truth[n], maps[n]), interpolation="nearest")
            share = 100 * np.mean(np.asarray(truth[n]) == np.asarray(maps[n]))
            axis.set_title(f"{model}: {share:.0f} %", fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    patches = [Patch(color=colour, label=word) for word, colour in WORDS.items()]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches), frameon=False,
                  fontsize=9)  # fmt: skip
    return figure


def _bytes(picture: NDArray[np.floating[Any]]) -> Bytes:
    return (255 * picture).round().astype(np.uint8)
