"""`--ray` with or without an address, where Typer's options take a value always or never."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand

OPTION = "--ray"
THIS_CLUSTER = "auto"
ADDRESS = re.compile(r"auto|local|.*:\d+|.+://.*")


class WithRay(TyperCommand):
    """A command whose `--ray` may stand alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        return super().parse_args(ctx, list(with_address(args)))


def with_address(words: Sequence[str]) -> Iterator[str]:
    """Yield the words; a `--ray` with no address after it gets that of this machine's cluster.

    Another word after it, such as a CONFIG, is none.
    """
    is_option = True
    for word, following in zip(words, [*words, ""][1:], strict=True):
        is_option = is_option and word != "--"
        is_bare = is_option and word == OPTION and not ADDRESS.fullmatch(following)
        yield f"{OPTION}={THIS_CLUSTER}" if is_bare else word
