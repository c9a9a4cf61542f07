"""The README shows what the commands print."""

from tests.docs import README, masked, render


def test_the_readme_is_true() -> None:
    readme = README.read_text("utf-8")
    assert masked(readme) == masked(render(readme)), "run `make docs` and look at the difference"
