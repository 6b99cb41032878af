"""From parameters to the augmentations that a front end allows, in the order in which they are applied."""

from instrumentarium.frontends.base import FrontEnd, PowerFrontEnd
from instrumentarium.training.augment.background import Background
from instrumentarium.training.augment.base import Augmentation
from instrumentarium.training.augment.composition import Composition
from instrumentarium.training.augment.distortion import Clipping, Codec
from instrumentarium.training.augment.erasing import RandomErasing
from instrumentarium.training.augment.filters import Filters
from instrumentarium.training.augment.mixup import Mixup
from instrumentarium.training.augment.noises import ColouredNoise
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.patches import PatchShuffle
from instrumentarium.training.augment.pitch import PitchShift, TimeStretch
from instrumentarium.training.augment.rooms import ImpulseResponse
from instrumentarium.training.augment.spectra import MaskAugmentation, PowerAugmentation
from instrumentarium.training.augment.timing import Polarity, TimeShift
from instrumentarium.training.augment.waveforms import WaveformAugmentation


def build_augmentations(params: AugmentParams, frontend: FrontEnd, sample_rate_hz: int) -> list[Augmentation]:
    """Return the augmentations; those that are off draw nothing, but for mix, noise and gain, the power's and the masks.

    Args:
        params: what is used.
        frontend: of the model.
        sample_rate_hz: of the waveforms.

    Raises:
        ValueError: if the augmentation changes spectra, and the front end has none.
        ImpulseResponseError: if the folder of impulse responses cannot be used.
    """
    spectral = isinstance(frontend, PowerFrontEnd)
    if params.changes_spectra and not spectral:
        raise ValueError("the augmentation changes spectra, and the front end makes none")
    found: list[Augmentation] = []
    if params.sum is not None or params.concatenate is not None:
        found.append(Composition(params.sum, params.concatenate, sample_rate_hz))
    if params.background is not None:
        found.append(Background(params.background))
    found += _of_waveforms(params, sample_rate_hz)
    if isinstance(frontend, PowerFrontEnd):
        found += [PowerAugmentation(params, frontend.power_axes), MaskAugmentation(params)]
    if params.erasing is not None:
        found.append(RandomErasing(params.erasing))
    if params.patch_shuffle is not None:
        found.append(PatchShuffle(params.patch_shuffle))
    if params.mixup is not None:
        found.append(Mixup(params.mixup))
    return found


def _of_waveforms(params: AugmentParams, sample_rate_hz: int) -> list[Augmentation]:
    found: list[Augmentation] = []
    if params.pitch_shift is not None:
        found.append(PitchShift(params.pitch_shift, sample_rate_hz))
    if params.time_stretch is not None:
        found.append(TimeStretch(params.time_stretch, sample_rate_hz))
    if params.time_shift is not None:
        found.append(TimeShift(params.time_shift))
    if params.polarity is not None:
        found.append(Polarity(params.polarity))
    found.append(WaveformAugmentation(params))
    if params.coloured_noise is not None:
        found.append(ColouredNoise(params.coloured_noise, sample_rate_hz))
    if params.impulse_response is not None:
        found.append(ImpulseResponse(params.impulse_response, sample_rate_hz))
    if params.filters is not None:
        found.append(Filters(params.filters, sample_rate_hz))
    if params.clipping is not None:
        found.append(Clipping(params.clipping))
    if params.codec is not None:
        found.append(Codec(params.codec, sample_rate_hz))
    return found
