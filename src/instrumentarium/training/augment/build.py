"""From strengths to the augmentations that a front end allows, in the order in which they are applied."""

from instrumentarium.frontends.base import FrontEnd, PowerFrontEnd
from instrumentarium.training.augment.base import Augmentation
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.spectra import MaskAugmentation, PowerAugmentation
from instrumentarium.training.augment.waveforms import WaveformAugmentation


def build_augmentations(params: AugmentParams, frontend: FrontEnd) -> list[Augmentation]:
    """Return the augmentations of waveforms and, where the front end has a spectrum, of power and features.

    Raises:
        ValueError: if the strengths change spectra, and the front end has none.
    """
    augmentations: list[Augmentation] = [WaveformAugmentation(params)]
    if isinstance(frontend, PowerFrontEnd):
        return [*augmentations, PowerAugmentation(params, frontend.power_axes), MaskAugmentation(params)]
    if params.changes_spectra:
        raise ValueError("the augmentation changes spectra, and the front end makes none")
    return augmentations
