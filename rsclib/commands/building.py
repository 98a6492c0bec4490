"""``rsc data build``."""

from __future__ import annotations

import sys

from rsclib.commands.options import DataBuild
from rsclib.errors import RscError


def data_build(options: DataBuild) -> None:
    """Build parts and say where they are."""
    from rsclib.openbench.build import COUNTS, build, request
    from rsclib.openbench.duration import long_build

    names = options.parts or tuple(COUNTS)
    parts = [request(name, options.count, options.size, options.seed) for name in names]
    for wanted in () if options.yes else parts:
        if takes := long_build(wanted, options.workers):
            _agree(
                f"{wanted.count} images of {wanted.name} take {takes}", "add --yes to build them"
            )
    for wanted in parts:
        print(build(wanted, options.workers))


def agree_to_build(name: str, count: int | None, size: int) -> None:
    """Before a command builds what it needs by the way: ask where that takes long.

    Raises:
        RscError: unknown part or senseless numbers; the answer is not yes, or there is nobody to ask.
    """
    from rsclib.openbench.build import request
    from rsclib.openbench.duration import long_build

    wanted = request(name, count, size)
    if takes := long_build(wanted):
        what = f"{wanted.count} images of {name} are not built and take {takes}"
        _agree(what, f"lower --count, or build them first: {wanted.command} --yes")


def _agree(what: str, otherwise: str) -> None:
    """Ask on a terminal whether to go on; ``otherwise`` is the advice where there is none.

    Raises:
        RscError: the answer is not yes, or there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise RscError(f"{what}; {otherwise}")
    print(f"{what}. Build them? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RscError("nothing was built")
