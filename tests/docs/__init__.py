"""The documentation: what is made from the code, what is run, and what is held to be true.

In the README and in each page of `docs/`, a `console` block is a tour: each `$` line is run in one
fresh store of the page, in order, and the lines under it are what it prints. A `toml` block with a
title is a file that the tour finds. Between the marks `<!-- NAME -->` and `<!-- /NAME -->` stands
what `generated` makes. `make docs` writes all of it anew; the tests hold it to be true.
"""
