"""Write what the documentation shows anew: `make docs`."""

from tests.docs import config_reference, generated
from tests.docs.page_commands import PAGES, README, ROOT, place, toured

PICTURE = ROOT / "docs" / "terminal.svg"

if __name__ == "__main__":
    config_reference.PAGE.write_text(config_reference.page(), "utf-8")
    with place() as home:
        for page in PAGES:
            before = page.read_text("utf-8")
            after = generated.filled(toured(before, home))
            if after != before:
                page.write_text(after, "utf-8")
    PICTURE.write_text(generated.picture(README.read_text("utf-8")), "utf-8")
