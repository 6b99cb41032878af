"""From parameters to a front end."""

from instrumentarium.frontends.base import FrontEnd
from instrumentarium.frontends.cpjku import CpjkuMel
from instrumentarium.frontends.cqt import Cqt
from instrumentarium.frontends.fbank import Fbank
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.mfcc import Mfcc
from instrumentarium.frontends.multi import Multi
from instrumentarium.frontends.params import (
    AnyFrontEndParams,
    CpjkuParams,
    CqtParams,
    FbankParams,
    LogMelParams,
    MfccParams,
    MultiParams,
    ScalogramParams,
    WaveformParams,
)
from instrumentarium.frontends.scalogram import Scalogram
from instrumentarium.frontends.waveform import Waveform


def build_frontend(params: AnyFrontEndParams, input_rate_hz: int) -> FrontEnd:
    """Return the front end that `params` describe, for waveforms at `input_rate_hz`."""
    match params:
        case LogMelParams():
            return LogMel(params, input_rate_hz)
        case MfccParams():
            return Mfcc(params, input_rate_hz)
        case MultiParams():
            return Multi(params, input_rate_hz)
        case FbankParams():
            return Fbank(params, input_rate_hz)
        case CpjkuParams():
            return CpjkuMel(params, input_rate_hz)
        case CqtParams():
            return Cqt(params, input_rate_hz)
        case ScalogramParams():
            return Scalogram(params, input_rate_hz)
        case WaveformParams():
            return Waveform(params, input_rate_hz)
