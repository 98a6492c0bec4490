"""Who is this? Rank-1 and mean average precision of re-identification, by Market-1501's protocol.

For each query the gallery is sorted by distance; pictures of the same person by the same camera are
left out (they are too easy), and so are junk boxes (identity -1); distractors (identity 0) stay and
are never right. A query without a right answer in the gallery counts for nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsclib.errors import RscError

JUNK = -1
Floats = NDArray[np.floating]
Numbers = NDArray[np.integer]


class Ranked(NamedTuple):
    """Of every query that counts: ``rank1`` (Q',) 0 or 1, ``ap`` (Q',) average precision, ``query``
    (Q',) its row."""

    rank1: NDArray[np.float64]
    ap: NDArray[np.float64]
    query: NDArray[np.int64]


def cosine_distance(queries: Floats, gallery: Floats) -> NDArray[np.float64]:
    """1 - cosine of all pairs (Q, G) of feature vectors (Q, D) and (G, D).

    Raises:
        RscError: a feature is not finite, or is zero.
    """
    lengths = [np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) for x in (queries, gallery)]  # fmt: skip
    if not all(np.isfinite(n).all() and (n > 0).all() for n in lengths):
        raise RscError("a ReID feature is zero or not a finite number")
    return 1 - (queries / lengths[0]) @ (gallery / lengths[1]).T


def rank(
    distance: Floats,
    query_identity: Numbers,
    gallery_identity: Numbers,
    query_camera: Numbers,
    gallery_camera: Numbers,
) -> Ranked:
    """Rank the gallery for each query.

    Args:
        distance: (Q, G), smaller is more alike. Identities and cameras: (Q,) and (G,).

    Raises:
        RscError: shapes do not fit, a distance is not a number, or no query has a right answer.
    """
    shape = (len(query_identity), len(gallery_identity))
    if distance.shape != shape or (len(query_camera), len(gallery_camera)) != shape:
        raise RscError(
            f"distances {distance.shape} do not fit {shape} queries and gallery pictures"
        )
    if np.isnan(distance).any():
        raise RscError("a ReID distance is not a number")
    order = np.argsort(distance, axis=1, kind="stable")
    rank1, ap, query = [], [], []
    for q in range(shape[0]):
        same = gallery_identity == query_identity[q]
        left_out = (same & (gallery_camera == query_camera[q])) | (gallery_identity == JUNK)
        right = same[order[q]][~left_out[order[q]]]
        if not right.any():
            continue
        at = np.flatnonzero(right)
        rank1.append(float(right[0]))
        # Precision at each right answer; Market's own script interpolates between them and comes
        # out lower by a little.
        ap.append(float((np.arange(1, len(at) + 1) / (at + 1)).mean()))
        query.append(q)
    if not query:
        raise RscError("no query has a right answer that another camera took")
    return Ranked(np.array(rank1), np.array(ap), np.array(query))
