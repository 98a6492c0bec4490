"""``rsc fit``."""

from __future__ import annotations

from rsclib.commands.output import one_line
from rsclib.commands.own_options import Fit


def fit(options: Fit) -> None:
    """Fit a body to keypoints, write its files and say how well they fit."""
    from rsclib.body import load_body
    from rsclib.config import checked
    from rsclib.files.atomic import check_writable
    from rsclib.fit import SUFFIXES, fit_photo
    from rsclib.models import model_named
    from rsclib.pose_mixture import load_mixture
    from rsclib.predict import outputs
    from rsclib.predictor import NetPredictor
    from rsclib.smplify import FitConfig

    (stem,) = outputs([options.image], options.out, SUFFIXES)
    check_writable(options.out)
    camera, body_steps = options.steps
    config = checked(FitConfig, {"camera_steps": camera, "body_steps": body_steps}, "--steps")
    body, mixture = load_body(), load_mixture(options.prior)
    by_net = options.start == "prediction"
    predictor = NetPredictor(model_named(options.model), body) if by_net else None
    line = fit_photo(
        options.image, options.keypoints, stem, body, mixture, predictor, config,
        options.person, options.box,
    )  # fmt: skip
    print(one_line(line))
