"""From parameters to a front end."""

from instrumentarium.frontends.base import FrontEnd
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import LogMelParams, WaveformParams
from instrumentarium.frontends.waveform import Waveform


def build_frontend(params: LogMelParams | WaveformParams, input_rate_hz: int) -> FrontEnd:
    """Return the front end that `params` describe, for waveforms at `input_rate_hz`."""
    match params:
        case LogMelParams():
            return LogMel(params, input_rate_hz)
        case WaveformParams():
            return Waveform(params, input_rate_hz)
