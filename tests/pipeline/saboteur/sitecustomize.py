"""Python loads this file at its start when the folder is in PYTHONPATH: it ends the whole process group of one stage.

Stage $SABOTAGE_STAGE dies by signal $SABOTAGE_SIGNAL, after as many optimiser steps as $SABOTAGE_STEP says, or when it is
about to create a file or folder whose path contains $SABOTAGE_PATH. DVC, which started it, is in the same group, as it
is when someone presses Ctrl-C or a job is cancelled.
"""

import importlib.abc
import os
import signal
import sys


def strike():
    """Send the signal to every process of the group; SIGINT is as good as pressed once."""
    os.killpg(os.getpgid(0), getattr(signal, os.environ["SABOTAGE_SIGNAL"]))


def strike_at_path(part):
    """Strike before a path that contains `part` is made."""
    struck = []

    def hook(event, args):
        made = event == "os.mkdir" or (event == "open" and args[2] & os.O_CREAT)
        if made and not struck and isinstance(args[0], str) and part in args[0]:
            struck.append(part)
            strike()

    sys.addaudithook(hook)


class AfterTorch(importlib.abc.MetaPathFinder):
    """Wait for Lightning to be imported: torch, which it needs, is there then."""

    def __init__(self, steps):
        self.steps = steps

    def find_spec(self, name, path, target=None):
        """Count the optimiser's steps from now on; the module itself others must find."""
        if name == "pytorch_lightning":
            sys.meta_path.remove(self)
            from torch.optim.optimizer import register_optimizer_step_post_hook

            def count(*args):
                self.steps -= 1
                if self.steps == 0:
                    strike()

            register_optimizer_step_post_hook(count)


if os.environ.get("DVC_STAGE") and os.environ["DVC_STAGE"] == os.environ.get("SABOTAGE_STAGE"):
    if "SABOTAGE_PATH" in os.environ:
        strike_at_path(os.environ["SABOTAGE_PATH"])
    else:
        sys.meta_path.insert(0, AfterTorch(int(os.environ["SABOTAGE_STEP"])))
