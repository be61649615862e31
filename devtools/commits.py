"""Check the subjects of the commits: at most 70 characters (CONTRIBUTING.md)."""

import re
import subprocess

from devtools import layout

LIMIT = 70
# The last commit before this rule was introduced.
BASELINE = "4da4b8c9f101b3a20db70c772fffda09a456787b"
# The subject of the temporary merge commit that GitHub creates to test a pull request.
_TEST_MERGE = re.compile(r"Merge [0-9a-f]{40} into [0-9a-f]{40}")


def faults() -> list[str]:
    """The commits after the baseline whose subject is too long. The list is empty without git or its history."""
    known = _git("cat-file", "-e", f"{BASELINE}^{{commit}}") is not None
    if not known and _git("rev-parse", "--is-shallow-repository") != "true\n":
        return []
    # A shallow clone without the baseline contains only newer commits.
    commits = f"{BASELINE}..HEAD" if known else "HEAD"
    return too_long(_git("log", "--no-merges", "--format=%h %s", commits) or "")


def too_long(log: str) -> list[str]:
    """The faults in log lines of the form "HASH SUBJECT"."""
    found = []
    for line in log.splitlines():
        commit, _, subject = line.partition(" ")
        if len(subject) > LIMIT and not _TEST_MERGE.fullmatch(subject):
            found.append(f"{commit}: the subject has {len(subject)} characters, at most {LIMIT} are allowed: {subject}")
    return found


def _git(*words: str) -> str | None:
    """The output of a git command; None if it fails or git is missing."""
    try:
        done = subprocess.run(["git", *words], cwd=layout.ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
