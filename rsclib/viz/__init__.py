"""Pictures: meshes over images, figures with alternative text and a caption, plots of differences."""

from rsclib.viz.ablation import forest, gain_over_labels, gain_over_sizes
from rsclib.viz.contrast import line_up, pull_and_push
from rsclib.viz.diagrams import block_diagram, differences_plot, grouped_bars, loss_diagram
from rsclib.viz.films import film, film_html, two_bodies, webp
from rsclib.viz.html import figure_html, show, slide
from rsclib.viz.interactive import mesh_figure
from rsclib.viz.meshes import (
    BLUE,
    GREY,
    VERMILION,
    enlarged,
    mesh_of,
    overlay,
    portrait,
    predict,
    shaded,
    sheet,
    side_view,
)
from rsclib.viz.people import (
    about_pelvis,
    crowd,
    error_lines,
    guess,
    guesses,
    heading,
    street,
    true_body,
    zoom,
)
from rsclib.viz.plots import difference_plot, difference_table, gains_plot
from rsclib.viz.skeletons import bones, film_of_figures
from rsclib.viz.steps import loop_diagram, starts_plot, turn_plot, walk
from rsclib.viz.turntables import turntable, write_turntable

__all__ = [
    "BLUE", "GREY", "VERMILION", "about_pelvis", "block_diagram", "bones", "crowd",
    "difference_plot", "difference_table", "differences_plot", "enlarged", "error_lines",
    "figure_html", "film", "film_html", "film_of_figures", "forest", "gain_over_labels", "gain_over_sizes",
    "gains_plot", "grouped_bars", "guess", "guesses", "heading", "line_up", "loop_diagram",
    "loss_diagram", "mesh_figure", "mesh_of", "overlay", "portrait", "predict", "pull_and_push",
    "shaded", "sheet", "show", "side_view", "slide", "starts_plot", "street", "true_body",
    "turn_plot", "turntable", "two_bodies", "walk", "webp", "write_turntable", "zoom",
]  # fmt: skip
