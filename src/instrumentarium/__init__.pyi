from instrumentarium.api.embedder import Embedder as Embedder
from instrumentarium.api.model import Model as Model
from instrumentarium.api.model import load as load
from instrumentarium.predicting.prediction import Prediction as Prediction
from instrumentarium.predicting.timeline import TimelineSettings as TimelineSettings

__all__ = ["Embedder", "Model", "Prediction", "TimelineSettings", "__version__", "load"]
__version__: str
