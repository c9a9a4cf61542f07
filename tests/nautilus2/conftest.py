"""The store that the tests of this folder share."""

from tests.capture.stores import shared_url, store

__all__ = ["shared_url", "store"]
