"""A reader's view: JupyterLab in a real browser runs a lesson, a slider moves, the picture follows;
and the static pages of ``make site``, whose meshes turn without a kernel.

Needs Chromium on the path (``apt-get install chromium``); says so and skips where there is none.
Screenshots are left in ``test-artefacts/``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
ARTEFACTS = ROOT / "test-artefacts"
SECONDS = 240
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
# Nothing but this machine is asked for anything; the sandbox needs rights that root lacks.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SETTINGS = {
    # All cells stay in the page, so that what is off the screen can be looked at too.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

# Lesson 23's widget by itself: the lesson measures for a minute around it.
UPLOAD = """
import numpy as np
from rsclib.files.photos import Photo
from rsclib.models import model_named
from rsclib.predictor import NetPredictor
from rsclib.viz.upload import upload_and_slide

ramp = np.tile(np.arange(128, dtype=np.uint8)[:, None, None], (1, 96, 3))
upload_and_slide(Photo(ramp, None), "a ramp", NetPredictor(model_named("hr-only")))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a copy of the notebooks; its address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    for path in (home / "notebooks").glob("*.ipynb"):
        book = nbformat.read(path, 4)
        for cell in book.cells:  # what is seen below was made in the browser
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(book, path)
    book.cells = [nbformat.v4.new_code_cell(UPLOAD)]  # of the last one all but its cells
    nbformat.write(book, home / "notebooks" / "upload.ipynb")
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
                f"--ServerApp.root_dir={home / 'notebooks'}",
            ],
            env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(SECONDS):
                try:
                    urllib.request.urlopen(f"{address}/api", timeout=5)
                    break
                except OSError:
                    assert server.poll() is None, (home / "log.txt").read_text()[-2000:]
                    time.sleep(1)
            else:
                pytest.fail("JupyterLab did not come up: " + (home / "log.txt").read_text()[-2000:])
            yield address
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def page(lab: str) -> Iterator[Any]:
    """A page of a headless Chromium."""
    from playwright.sync_api import sync_playwright

    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(SECONDS * 1000)
        yield page
        browser.close()


def run_all(lab: str, page: Any, name: str) -> None:
    """Open a notebook and run all of its cells."""
    page.goto(f"{lab}/lab/tree/{name}.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    # Which kernel? Asked now and then. (The debugger's button is a "Select ..." too until a kernel
    # runs, and with the debugger on a lesson takes far longer.)
    dialog = page.locator(".jp-Dialog").get_by_role("button", name="Select")
    ready = page.get_by_text("| Idle")
    dialog.or_(ready).first.wait_for()
    if dialog.is_visible():
        dialog.click()
        ready.first.wait_for()
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()


@pytest.mark.parametrize("lesson", ["00_start_here", "01_smpl"])
def test_a_lesson_runs_and_its_slider_moves_the_picture(lab: str, page: Any, lesson: str) -> None:
    from playwright.sync_api import expect

    run_all(lab, page, lesson)
    last = page.locator(".jp-CodeCell").last
    last.locator(".jp-OutputArea-output").first.wait_for()
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    errors = page.locator(".jp-OutputArea-output", has_text="Traceback")
    assert errors.count() == 0
    page.screenshot(path=str(ARTEFACTS / f"{lesson}_run.png"))
    if lesson == "00_start_here":  # the meshes to turn, without a network
        meshes = page.locator(".js-plotly-plot")
        meshes.scroll_into_view_if_needed()
        meshes.locator("canvas").first.wait_for()
        page.screenshot(path=str(ARTEFACTS / "meshes.png"))
    widget = page.locator(".jupyter-widgets.widget-vbox").first
    widget.scroll_into_view_if_needed()
    picture = widget.locator("img")
    picture.wait_for()
    before = picture.get_attribute("src")
    assert before is not None and before.startswith("data:image/webp")
    page.screenshot(path=str(ARTEFACTS / f"{lesson}_before.png"))
    box = widget.locator(".noUi-handle").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=5)  # a drag, as a reader would
    page.mouse.up()
    expect(picture).not_to_have_attribute("src", before, timeout=SECONDS * 1000)
    page.screenshot(path=str(ARTEFACTS / f"{lesson}_after.png"))
    assert len(picture.get_attribute("alt")) > 10


def test_a_photograph_is_uploaded_and_followed(lab: str, page: Any, tmp_path: Path) -> None:
    """Lesson 23: choose a file, and another body is drawn; the file's name stands in its alt text."""
    from playwright.sync_api import expect

    levels = np.random.default_rng(0).integers(0, 256, (90, 60, 3)).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "me & you.png")
    run_all(lab, page, "upload")
    widget = page.locator(".jupyter-widgets.widget-vbox").first
    picture = widget.locator("img")
    picture.wait_for()
    assert picture.get_attribute("alt").startswith("Three panels of a ramp at 64 px")
    with page.expect_file_chooser() as chooser:
        widget.get_by_role("button", name="your photograph").click()
    chooser.value.set_files(tmp_path / "me & you.png")
    expect(picture).to_have_attribute("alt", re.compile("the photograph me & you.png at 64 px"))
    page.screenshot(path=str(ARTEFACTS / "upload.png"))
    before = picture.get_attribute("src")
    widget.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowLeft")
    expect(picture).to_have_attribute("alt", re.compile("at 60 px"), timeout=SECONDS * 1000)
    assert picture.get_attribute("src") != before
    (tmp_path / "bad.png").write_bytes(b"no image")
    with page.expect_file_chooser() as chooser:
        widget.get_by_role("button", name="your photograph").click()
    chooser.value.set_files(tmp_path / "bad.png")
    widget.get_by_text("is not an image of a known format").wait_for()


def test_the_static_pages_show_every_picture_and_their_meshes_turn(
    page: Any, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    built = [sys.executable, "-m", "benchmarks.site", str(out)]
    done = subprocess.run(built, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else 0)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url[:200]))
    for path in sorted(out.glob("**/*.html")):
        page.goto(path.as_uri())
        bad = "[...document.images].filter(i => !i.alt || !i.complete || !i.naturalWidth).map(i => i.alt)"
        assert page.evaluate(bad) == [], path.name
    page.goto((out / "notebooks" / "00_start_here.html").as_uri())
    meshes = page.locator(".js-plotly-plot").first
    meshes.scroll_into_view_if_needed()
    meshes.locator("canvas").first.wait_for()
    eye = "g => Object.values(g._fullLayout.scene._scene.getCamera().eye)"
    before = meshes.evaluate(eye)
    box = meshes.bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y, steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)
    page.screenshot(path=str(ARTEFACTS / "site_turned.png"))
    after = meshes.evaluate(eye)
    assert sum((a - b) ** 2 for a, b in zip(after, before, strict=True)) > 0.01
    assert wrong == []
