import json
import math

import numpy as np
import pytest
from damaged import DAMAGED_JSON
from pydantic import ValidationError

from instrumentarium.evaluation.thresholds import MissingThresholdsError, Support, Thresholds, ThresholdsError
from instrumentarium.runtime.files import write_json
from taxonomies import IRMAS11

CODES = IRMAS11.codes

CHOSEN = Thresholds(
    chosen_from="validation",
    rule="per_instrument",
    fixed=0.5,
    global_=0.4,
    per_instrument={code: 0.1 + 0.05 * column for column, code in enumerate(CODES)},
    unshrunk={**dict.fromkeys(CODES, 0.3), "cla": None},
    positives=dict.fromkeys(CODES, Support(clips=12, recordings=3)),
    cross_fitted_f1_macro={"fixed": 0.5, "global": 0.6, "per_instrument": 0.7},
)


def test_predictions_begin_at_the_threshold_itself():
    assert CHOSEN.predict(np.full((1, 11), 0.5), "fixed").all()
    assert not CHOSEN.predict(np.full((1, 11), math.nextafter(0.5, 0)), "fixed").any()
    assert CHOSEN.vector("global").tolist() == [CHOSEN.global_] * 11
    assert CHOSEN.vector().tolist() == CHOSEN.vector("per_instrument").tolist() == list(CHOSEN.per_instrument.values())


def test_thresholds_are_frozen_and_survive_their_file(tmp_path):
    path = tmp_path / "thresholds.json"
    write_json(path, CHOSEN.content())
    content = json.loads(path.read_text())
    assert {"fixed", "global", "per_instrument", "chosen_from", "positives", "rule"} <= set(content)
    assert content["chosen_from"] == "validation"
    read = Thresholds.read(path)
    assert read == CHOSEN
    assert list(read.per_instrument) == list(CODES)
    with pytest.raises(ValidationError, match="frozen"):
        CHOSEN.fixed = 0.4  # type: ignore[misc]


def test_files_that_hold_no_thresholds_are_refused(tmp_path):
    path = tmp_path / "thresholds.json"
    with pytest.raises(MissingThresholdsError, match=r"thresholds.json is missing; run `dvc repro evaluate`"):
        Thresholds.read(path)
    path.write_text("{")
    with pytest.raises(ThresholdsError, match="does not hold thresholds"):
        Thresholds.read(path)
    content = CHOSEN.content()
    path.write_text(json.dumps({**content, "per_instrument": {"cel": 0.5}}))
    with pytest.raises(ThresholdsError, match="unshrunk must have exactly the instruments cel; found cel, cla"):
        Thresholds.read(path)
    path.write_text(json.dumps({**content, "global": 1.5}))
    with pytest.raises(ThresholdsError, match="less than or equal to 1"):
        Thresholds.read(path)


@pytest.mark.parametrize("content", DAMAGED_JSON.values(), ids=DAMAGED_JSON)
def test_damaged_thresholds_are_refused_by_name(tmp_path, content):
    (tmp_path / "thresholds.json").write_bytes(content)
    with pytest.raises(ThresholdsError, match=r"thresholds\.json does not hold thresholds: "):
        Thresholds.read(tmp_path / "thresholds.json")
