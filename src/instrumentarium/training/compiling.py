"""The backbone as one program, by torch.compile: less time a step where the network is large, some minutes at the start."""

import os
import shutil
from importlib.util import find_spec

from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError


class CompilerError(UserError, RuntimeError):
    """What torch.compile needs is not there."""


def compile_backbone(model: RecognitionModel, *, gpu: bool) -> None:
    """Have the model's backbone compiled when it is first called; its weights keep their names.

    Raises:
        CompilerError: if there is no C++ compiler, or for a GPU no Triton.
    """
    compiler = os.environ.get("CXX", "g++")  # the one that torch calls
    if shutil.which(compiler) is None:
        raise CompilerError(
            f"training.trainer.compile is true, and the C++ compiler {compiler} that torch calls is not on the PATH; "
            "install it (Debian's package g++), name another in the variable CXX, or set compile to false"
        )
    if gpu and find_spec("triton") is None:
        raise CompilerError(
            "training.trainer.compile is true, and for a GPU torch needs the package triton, which is not installed; "
            "install a build of torch for CUDA, or set compile to false"
        )
    model.backbone.compile()
