"""Sphinx' settings. Pages ask nothing of the network: formulas are MathML, plotly lies beside them."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import plotly  # type: ignore[import-untyped]
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

project = "rsclib"
extensions = ["myst_nb"]
html_theme = "furo"
html_title = "rsclib"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["figures.js"]
html_show_copyright = False
html_copy_source = False
html_math_renderer = "mathml"
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, Any] = {}
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# Pages that others link to stand in no list; files of code are offered as they are.
suppress_warnings = ["toc.not_included", "myst.header"]
templates_path: list[str] = []


def mathml(tex: str, block: bool) -> str:
    """A formula as MathML, or, where docutils cannot read it, as it was typed."""
    known = re.sub(r"\\([bB]igg?)(?![a-zA-Z])", r"\\\1l", tex)  # \big is \bigl there
    known = re.sub(r"\\([td]?frac)\s*(\w)\s*(\w)", r"\\\1{\2}{\3}", known)  # \tfrac12
    try:
        return tex2mathml(known, as_block=block)
    except MathError as error:
        logger.warning("no MathML for %r: %s", tex, error)
        return f"<code>{html.escape(tex)}</code>"


def _formula(translator: Any, node: nodes.Element) -> None:
    block = isinstance(node, nodes.math_block)
    formula = mathml(node.astext(), block)
    translator.body.append(f'<div class="math">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def _copy_plotly(app: Sphinx, exception: Exception | None) -> None:
    if exception is None:
        library = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
        shutil.copy(library, Path(app.outdir) / "_static")


def setup(app: Sphinx) -> None:
    """Formulas without a script, and the library that draws the meshes."""
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("build-finished", _copy_plotly)
