"""Pictures of lesson 30."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rsclib.errors import RscError
from rsclib.viz import page_plots


def test_lanes_keep_the_papers_order_and_leave_out_what_nobody_measured() -> None:
    page = pd.DataFrame(
        {
            "paper": [3.0, 1.0, np.nan, 2.0, 9.0],
            "verdict": ["reproduced", "undecided", "reproduced", "contradicted", "not measured"],
        }
    )
    figure = page_plots.verdict_lanes(page)
    (axis,) = figure.axes
    drawn = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axis.lines]
    assert drawn == [(0, 1), (1, 2), (2, 0)]
    assert [t.get_text() for t in axis.get_yticklabels()] == [*page_plots.LANES]
    plt.close(figure)
    with pytest.raises(RscError, match="no claim"):
        page_plots.verdict_lanes(page.iloc[[2, 4]])


def test_weaker_worlds_draw_the_page_that_is_there() -> None:
    shrinks = np.array([0, 0.1, 1.0])
    figure = page_plots.weaker_worlds(shrinks, shrinks, shrinks + 1, shrinks + 2, 7)
    (axis,) = figure.axes
    assert [*axis.lines[1].get_ydata()] == [7, 7] and "7" in axis.get_legend().texts[-1].get_text()
    plt.close(figure)
