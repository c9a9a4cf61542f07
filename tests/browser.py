"""A page as a browser shows it: headless Chromium, where there is one."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PHONE, DESK = (390, 844), (1280, 900)
# What the page says of itself after its layout, in an attribute that --dump-dom shows.
REPORT = """<script>addEventListener("load", () => {
  const faults = [...document.images].filter((i) => !i.naturalWidth).length;
  document.documentElement.dataset.seen = [
    document.documentElement.scrollWidth, innerWidth, faults, performance.getEntriesByType("resource").length,
  ].join(" ");
});</script>"""


class Seen(NamedTuple):
    """What a browser made of a page: widths in pixels, what it missed, and what it asked for."""

    width: int
    window: int
    broken_images: int
    requests: int
    text: str


def browser() -> str:
    """Return the browser's path, or skip the test."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs a headless Chromium: apt-get install chromium")
    return found


def run(size: tuple[int, int], *words: str) -> str:
    """Run the browser once, with a profile of its own."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                *(browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", *words),
            ],
            capture_output=True,
            text=True,
            timeout=200,
            check=True,
        )
    return done.stdout


def opened(page: Path, size: tuple[int, int] = DESK) -> Seen:
    """Open a page and look at its layout."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "page.html")
        copy.write_text(page.read_text("utf-8") + REPORT, "utf-8")
        shown = run(size, "--dump-dom", copy.as_uri())
    numbers = re.search(r'data-seen="(\d+) (\d+) (\d+) (\d+)"', shown)
    assert numbers is not None, shown[:2000]
    width, window, broken_images, requests = map(int, numbers.groups())
    return Seen(width, window, broken_images, requests, shown)


def photographed(page: Path, picture: Path, size: tuple[int, int] = DESK) -> None:
    """Make a picture of a page, to be looked at."""
    run(size, f"--screenshot={picture}", page.as_uri())
