"""What `make repro` says at its end, where the run differs from what is committed: how to make it the baseline."""

import subprocess
import sys

ADVICE = """
This run differs from the committed one, as on another kind of processor it may in the last bits. `instrumentarium compare
HEAD …` would ask for the committed run's scores, which no cache here has. Make this run your baseline:

    git add -A && git commit -m "Record the baseline of this machine"
"""


def main() -> int:
    """Look at the files that Git tracks in the current folder; where there is no repository, say nothing."""
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no", "--", "dvc.lock", "metrics", "plots"],
        capture_output=True,
        text=True,
        check=False,
    )
    if status.returncode == 0 and status.stdout.strip():
        print(ADVICE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
