"""A whole run: the model is checked, files are listed, workers make shards, and each is put in its place for good."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from instrumentarium.catalogue.folder import open_folder
from instrumentarium.catalogue.listing import read_lots
from instrumentarium.catalogue.shard import ShardWriter
from instrumentarium.catalogue.workers import Crew, ray_cluster
from instrumentarium.predicting.choices import Backend, Device
from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.loading import choose_device, load_ladder
from instrumentarium.predicting.record import model_files, settings_of
from instrumentarium.predicting.systems import description_of
from instrumentarium.predicting.timeline import TimelineSettings
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.sealed import read_seal
from instrumentarium.runtime.workers import usable_cores


@dataclass(frozen=True)
class Inference:
    """What predicts, and how; what each worker loads.

    Attributes:
        folder: of the model or the system.
        thresholds: a file of them; None for the model's own.
        settings: of the timeline.
        overlap: share of a window that the next one covers again; None: as in evaluation.
        backend: what runs the model.
        onnx: the exported file; None: beside the model's folder.
        device: where PyTorch runs the model.
    """

    folder: Path
    thresholds: Path | None = None
    settings: TimelineSettings = TimelineSettings()  # noqa: RUF009 - frozen
    overlap: float | None = None
    backend: Backend = Backend.TORCH
    onnx: Path | None = None
    device: Device = Device.AUTO

    def load(self, device: Device) -> Files2Table:
        """Return the ladder for one core."""
        return load_ladder(
            self.folder,
            self.thresholds,
            self.settings,
            overlap=self.overlap,
            backend=self.backend,
            onnx=self.onnx,
            device=device,
            single_core=True,
        )

    def identity(self, *, timeline: bool) -> dict[str, object]:
        """Return all that results depend on besides the files, as JSON writes it; the model is loaded for it, and checked.

        Raises:
            UserError: whatever `load_ladder` finds.
        """
        if self.backend is Backend.ONNXRUNTIME:
            choose_device(self.device, self.backend)
        settings = settings_of(self.load(Device.CPU).audio2timeline, self.backend)
        if not timeline:
            settings["timeline"] = None
        return {
            **settings,
            "instrumentarium": version("instrumentarium"),
            "model_files": fingerprint({}, model_files(self.folder)),
            "model_sha256": read_seal(description_of(self.folder)),
        }


@dataclass(frozen=True)
class Outcome:
    """What a folder holds at the end of a run."""

    files: int
    rejected: int
    repeated: int  # names that the listing had again
    before: int  # files that were done before this run


def predict_catalogue(
    inference: Inference,
    names: Iterable[str],
    out: Path,
    *,
    workers: int | None = None,
    shard_files: int | None = None,
    timeline: bool = False,
    began: Callable[[int, int], object] | None = None,
) -> Outcome:
    """Predict for every file, into a folder that holds each exactly once at the end, however often the run was cut off.

    Args:
        inference: what predicts.
        names: of the files; gone through once.
        out: the folder.
        workers: how many; None: one a core, on GPUs at most four each.
        shard_files: files a shard; None: those of the run that is there, or as many as suit a new one.
        timeline: whether results have the timeline.
        began: called with how many files there are, and how many of them are done already.

    Raises:
        UserError: if the model, the listing, the folder or Ray cannot be used, or workers keep ending.
        OSError: if the folder cannot be written.
    """
    run = {**inference.identity(timeline=timeline), "has_timeline": timeline}
    gpu = (
        None
        if inference.device is Device.AUTO and inference.backend is Backend.TORCH
        else inference.device is Device.CUDA
    )
    with open_folder(out) as folder:
        plan = folder.begin(run, names, shard_files, workers or usable_cores())
        if began is not None:
            began(plan.files, plan.files_done)
        if len(plan.done) < plan.shards:
            with (
                ray_cluster(workers, gpu=gpu) as cluster,
                progress_bar("predict", "files", total=plan.files, initial=plan.files_done) as bar,
            ):
                device = Device.CUDA if cluster.gpu_share else Device.CPU
                writer = partial(
                    ShardWriter,
                    partial(inference.load, device),
                    folder.staging.absolute(),
                    Path.cwd(),
                    str(run["model_sha256"]),
                    timeline=timeline,
                )
                for staged in Crew(cluster, writer).shards(read_lots(folder.listing, plan.shard_files, plan.done)):
                    folder.commit(staged)
                    bar.update(staged.files)
        return Outcome(plan.files, folder.rejected_files(), plan.repeated, plan.files_done)
