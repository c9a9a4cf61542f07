"""`make audit` tells apart: nothing known, something known, and nobody to ask."""

import json
from typing import Any

from tests.advisories import verdict


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


SOUND = {"name": "a", "version": "1", "vulns": []}
UNSOUND = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3", "4"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found"}


def test_what_is_known_fails_and_is_named() -> None:
    code, said = verdict(report(SOUND, UNSOUND, UNKNOWN), "")
    assert code == 1
    assert said.splitlines() == [
        "2 packages audited, 1 unknown to it, 1 known vulnerabilities",
        "b 2: CVE-1, mended in 3, 4",
    ]


def test_nothing_known_is_well() -> None:
    assert verdict(report(SOUND), "") == (0, "1 packages audited, 0 known vulnerabilities")


def test_an_audit_that_did_not_take_place_is_no_good_news() -> None:
    assert "nothing was audited" in verdict(report(UNKNOWN, UNKNOWN), "")[1]
    code, said = verdict("", "Traceback\n\nConnectionError: no way\n")
    assert (code, said) == (0, "nothing was audited: ConnectionError: no way")
