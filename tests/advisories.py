"""Ask the advisory service about the locked packages: `python -m tests.advisories PIP_AUDIT`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
OPTIONS = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=15"]


def verdict(report: str, trouble: str) -> tuple[int, str]:
    """Return the exit code and what to say, from what pip-audit wrote and complained of."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        lines = [line for line in trouble.splitlines() if line.strip()]
        return 0, f"nothing was audited: {lines[-1] if lines else 'pip-audit says nothing'}"
    asked = [package for package in packages if "skip_reason" not in package]
    found = [said for package in asked for said in _advisories(package)]
    if not asked:
        reason = packages[0]["skip_reason"] if packages else "there is no package"
        return 0, f"nothing was audited, the advisory service is out of reach: {reason}"
    unknown = f", {len(packages) - len(asked)} unknown to it" if len(asked) < len(packages) else ""
    count = f"{len(asked)} packages audited{unknown}, {len(found)} known vulnerabilities"
    return int(bool(found)), "\n".join([count, *found])


def _advisories(package: dict[str, Any]) -> list[str]:
    name = f"{package['name']} {package['version']}"
    return [
        f"{name}: {advisory['id']}, mended in {', '.join(advisory['fix_versions']) or 'none yet'}"
        for advisory in package["vulns"]
    ]


def main() -> None:
    """Audit, and say what came of it."""
    command = [sys.argv[1], *OPTIONS, "--requirement", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, said = verdict(done.stdout, done.stderr)
    sys.stderr.write(f"{said}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
