"""How label files are read."""

from instrumentarium.clips.labels import IrmasTrainAbsent
from instrumentarium.clips.params import Conflicting
from instrumentarium.duplicates.params import OverridesName
from instrumentarium.runtime.section import Section


class LabelsParams(Section):
    """How silence in the label files is read, and what becomes of labels on which clips that sound alike disagree.

    `overrides` names a file of the folder overrides/, if any.
    """

    irmas_train_absent: IrmasTrainAbsent
    conflicting: Conflicting
    overrides: OverridesName
