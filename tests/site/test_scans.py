"""make security: what could not be asked is said to be skipped, and nothing else is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.security.__main__ import KNOWN_BAD, UNREACHABLE, advisories

FOUND = json.dumps({"dependencies": [{"name": "jinja2", "vulns": [{"id": "PYSEC-2014-8"}]}]})
NOTHING = json.dumps({"dependencies": [{"name": "jinja2", "vulns": []}]})
AWAY = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded"
MIRROR = "ERROR:pip_audit._cli:jinja2: Dependency not found on PyPI and could not be audited: jinja2 (2.4.1)"
ONE_OF_OURS = "ERROR:pip_audit._cli:django: Dependency not found on PyPI and could not be audited: django (5.2.19)"
BROKEN = "Traceback (most recent call last):\nKeyError: 'vulnerabilities'"
ANSWERS = {  # the probe's output, errors; the real question's output, errors, exit; does the scan pass, what it says
    "nobody answers": ("", AWAY, "", AWAY, 1, True, UNREACHABLE),
    "a mirror without advisories": ("", MIRROR, "", MIRROR, 1, True, UNREACHABLE),
    "nothing is open": (FOUND, "", "", "No known vulnerabilities found", 0, True, "No known vulnerabilities found"),
    "something is open": (FOUND, "", "django 5.2.19 PYSEC-1", "Found 1 known vulnerability", 1, False, "Found 1"),
    "one cannot be looked up": (FOUND, "", "", ONE_OF_OURS, 1, False, "could not be audited"),
    "it breaks off in the middle": (FOUND, "", "", AWAY, 1, False, "Max retries"),
    "the tool is broken": ("", BROKEN, "", BROKEN, 1, False, "FAILED"),
    "it finds nothing whatever it is asked": (NOTHING, "", "", "No known vulnerabilities found", 0, False, "FAILED"),
}
TOOL = """#!{python}
import sys
if "--version" in sys.argv:
    print("pip-audit 0")
    sys.exit()
probe = "jinja2" in open(sys.argv[sys.argv.index("-r") + 1]).read()
out, err, code = ({probe!r} + (1,)) if probe else {real!r}
print(out)
print(err, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("name", ANSWERS)
def test_advisories_are_skipped_only_where_nobody_can_be_asked(name: str, tmp_path: Path, capsys):
    said, errors, *real, passes, words = ANSWERS[name]
    tool = tmp_path / "pip-audit"
    tool.write_text(TOOL.format(python=sys.executable, probe=(said, errors), real=tuple(real)))
    tool.chmod(0o700)

    assert KNOWN_BAD.startswith("jinja2==")
    assert advisories(tmp_path) is passes
    told = capsys.readouterr().out
    assert words in told
    assert ("SKIPPED" in told) == (words == UNREACHABLE)
