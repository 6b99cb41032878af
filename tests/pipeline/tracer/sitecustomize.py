"""Python loads this file at its start when the folder is in PYTHONPATH: it notes what a DVC stage reads.

One JSON object a line goes to $TRACE_FOLDER/<stage>: `{"file": path}` for each file below $TRACE_ROOTS (separated by
colons) that is opened for reading, `{"param": key}` for each parameter. A worker process inherits the open file. What
native code opens (safetensors does) goes unseen.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys

stage = os.environ.get("DVC_STAGE")
roots = tuple(os.environ.get("TRACE_ROOTS", "").split(":"))


def note_files(log):
    """Note every file that is opened for reading, once."""
    seen = set()

    def hook(event, args):
        if event != "open" or not isinstance(args[0], str | bytes) or args[2] & (os.O_WRONLY | os.O_RDWR):
            return
        path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100
        # removing a folder opens what is in it by names relative to it; folders are not read, and these are not files here
        if path not in seen and path.startswith(roots) and os.path.isfile(path):  # noqa: PTH113
            seen.add(path)
            os.write(log, (json.dumps({"file": path}) + "\n").encode())

    sys.addaudithook(hook)


class ParamsFinder(importlib.abc.MetaPathFinder):
    """Find the module that reads parameters, and have it note their keys."""

    module = "instrumentarium.runtime.section"

    def __init__(self, log):
        self.log = log

    def find_spec(self, name, path, target=None):
        """Return the spec that others find, its loader extended."""
        if name != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            read = module.DeclaredParams.read

            def noted(params, key, kind):
                if key.partition(".")[0] not in params.written:
                    os.write(self.log, (json.dumps({"param": key}) + "\n").encode())
                return read(params, key, kind)

            module.DeclaredParams.read = noted

        spec.loader.exec_module = exec_module
        return spec


if stage:
    log = os.open(os.path.join(os.environ["TRACE_FOLDER"], stage), os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # noqa: PTH118
    os.set_inheritable(log, True)
    note_files(log)
    sys.meta_path.insert(0, ParamsFinder(log))
