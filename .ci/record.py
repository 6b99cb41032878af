"""What `make record` runs: a new dvc.lock after a change of code alone, without a run. docs/experiments.md says when.

Whether the changed code leaves results as they are, only its writer can know. What can be seen is checked: nothing but
code has changed since the recorded run, and every output lies here as that run left it.
"""

import sys
from collections.abc import Iterator, Mapping

from dvc.repo import Repo

CODE = ("src/", "stages/")
PIPELINE = "dvc.yaml"
"""Not that of pretraining/, which few have run."""


def reasons_to_run(status: Mapping[str, list[object]]) -> Iterator[str]:
    """Yield what `dvc status` names besides changed code; after that, only a run gives the results."""
    for stage, changes in status.items():
        for change in changes:
            if isinstance(change, Mapping):
                for kind, paths in change.items():
                    for path, how in paths.items():
                        if kind != "changed deps" or how not in ("modified", "new") or not path.startswith(CODE):
                            yield f"  {stage}: {kind.removeprefix('changed ')} {path}: {how}"
            elif change != "changed command":
                yield f"  {stage}: {change}"


def main() -> int:
    """Write dvc.lock anew, or say why it must not be."""
    with Repo() as repo:
        status = repo.status(targets=[PIPELINE])
        reasons = list(reasons_to_run(status))
        if reasons:
            print("Not recorded: more than code has changed. Run `dvc repro`.", *reasons, sep="\n", file=sys.stderr)
            return 1
        repo.commit(PIPELINE, force=True)
    print(f"Recorded without a run: {', '.join(status) or 'nothing, all is up to date'}.")
    if status:
        print("Check it: `dvc repro --force --single-item STAGE` of two of these must leave dvc.lock as it is.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
