"""Side inputs: what is unknown adds nothing, what is dropped follows from the seed, and a model keeps its values."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from model_fixtures import STILL, Parts, augmented, noise_clips, timbre_data, tiny_card, tiny_model, tiny_run

from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import load_model, save_model
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.models.sideinputs import UNKNOWN, SideInputs
from instrumentarium.predicting.description import as_table
from instrumentarium.predicting.onnxgraph import export_graph
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.finetuning import plain_weights
from instrumentarium.training.fit import fit
from instrumentarium.training.sampling import TrainingBatch
from instrumentarium.training.sideinputs import SideInputError, dropped, side_codes, side_values
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import RecognitionTask

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like

VALUES = {"drums": ("no", "yes"), "genre": ("cla", "jaz", "pop")}
CODES = torch.tensor([[1, 0], [UNKNOWN, 2], [0, UNKNOWN], [UNKNOWN, UNKNOWN], [1, 1], [0, 0]])
MIXING = augmented(mix={"probability": 0.5, "level_db": 6.0})


def with_side_inputs(*, learnt: bool = True) -> RecognitionModel:
    """Return `tiny_model` with side inputs that have learnt something."""
    model = tiny_model()
    model.side_inputs = SideInputs(VALUES, model.backbone.size)
    if learnt:
        for weights in model.side_inputs.parameters():
            torch.nn.init.normal_(weights, generator=torch.Generator().manual_seed(1))
    return model.eval()


def a_batch() -> TrainingBatch:
    waveforms = torch.from_numpy(np.stack(noise_clips([4000] * len(CODES))))
    return TrainingBatch(waveforms, torch.zeros(6, 11), torch.ones(6, 11), number=2, side=CODES)


def given(model: RecognitionModel, augment: AugmentParams = STILL, seed: int = 1, share: float = 0.0) -> torch.Tensor:
    """Return the codes that a batch's windows come with."""
    seen = []
    assert model.side_inputs is not None
    hook = model.side_inputs.register_forward_hook(lambda module, inputs, output: seen.append(inputs[1]))
    run = tiny_run(model, augment=augment, seed=seed, side_inputs=tuple(VALUES), side_unknown_share=share)
    RecognitionTask(run, *DATA).augmented_output(a_batch())
    hook.remove()
    return seen[0]


DATA = timbre_data(18, seed=1), timbre_data(12, seed=2)


def test_what_is_unknown_is_as_if_there_were_no_side_inputs():
    model, plain = with_side_inputs(), tiny_model().eval()
    features = plain.normalise(plain.frontend(to_waveforms(a_batch().waveforms)))
    nothing = torch.full((6, 2), UNKNOWN)
    assert torch.equal(model.classify(features, nothing).logits, plain.classify(features).logits)
    assert torch.equal(model(to_waveforms(a_batch().waveforms)), plain(to_waveforms(a_batch().waveforms)))


def test_each_value_adds_its_own_vector_to_every_step():
    module = with_side_inputs().side_inputs
    assert module is not None
    embeddings = torch.randn(6, module.tables["genre"].shape[1], 5)
    expected = embeddings.clone()
    for row, (drums, genre) in enumerate(CODES.tolist()):
        for name, code in (("genre", genre), ("drums", drums)):
            if code != UNKNOWN:
                expected[row] += module.tables[name][code][:, None]
    torch.testing.assert_close(module(embeddings, CODES), expected)


def test_before_training_they_change_nothing_and_draw_nothing():
    features = torch.randn(6, 1, 16, 20)
    model = with_side_inputs(learnt=False)
    assert torch.equal(model.classify(features, CODES).logits, model.classify(features).logits)
    state = torch.get_rng_state()
    SideInputs(VALUES, 8)
    assert torch.equal(torch.get_rng_state(), state)


def test_values_and_codes_are_those_of_clips_in_which_something_plays():
    clips = pd.DataFrame(
        {"genre": ["pop", "", "dog", "cla", "pop"], "drums": ["yes", "unknown", "no", "no", "unknown"]}
    )
    playing = np.array([True, True, False, True, True])
    values = side_values(clips, playing, ("genre", "drums"))
    assert list(values.items()) == [("drums", ("no", "yes")), ("genre", ("cla", "pop"))]
    codes = side_codes(clips, playing, values)
    assert codes.tolist() == [[1, 1], [-1, -1], [-1, -1], [0, 0], [-1, 1]]
    assert side_codes(clips.assign(genre="new"), playing, values)[:, 1].tolist() == [-1] * 5


def test_a_side_input_that_no_clip_states_is_refused():
    clips = pd.DataFrame({"genre": ["", "dog"], "drums": ["unknown", "no"]})
    for name in ("genre", "drums"):
        with pytest.raises(SideInputError, match=f"no training clip in which an instrument plays states its {name}"):
            side_values(clips, np.array([True, False]), (name,))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_each_input_is_dropped_on_its_own_as_often_as_asked(share: float):
    codes = torch.zeros(4000, 2, dtype=torch.int64)
    found = dropped(codes, share, torch.Generator().manual_seed(0)) == UNKNOWN
    assert found.float().mean(dim=0).tolist() == pytest.approx([share] * 2, abs=0.03)
    assert found.all(dim=1).float().mean().item() == pytest.approx(share**2, abs=0.03)


def test_what_is_dropped_follows_from_the_seed_and_the_rest_stays():
    model = with_side_inputs()
    first, again = (given(model, share=0.5) for _ in range(2))
    assert torch.equal(first, again)
    assert any(not torch.equal(first, given(model, share=0.5, seed=seed)) for seed in (2, 3, 4))
    assert torch.equal(torch.where(first == UNKNOWN, CODES, first), CODES)
    assert torch.equal(given(model), CODES)


@pytest.mark.parametrize("augment", [MIXING, augmented(mixup={"probability": 0.5, "alpha": 0.4, "labels": "mix"})])
def test_nothing_is_known_of_windows_that_are_put_together(augment: AugmentParams):
    model = with_side_inputs()
    for seed in range(1, 6):
        found = given(model, augment, seed)
        whole = (found == CODES).all(dim=1)
        assert ((found == UNKNOWN).all(dim=1) | whole).all()
        rng = tiny_run(model, augment=augment, seed=seed)
        changed = (RecognitionTask(rng, *DATA).augmented_output(marked())[1] > 0).sum(dim=1) != 1
        assert torch.equal(whole, ~changed | (CODES == UNKNOWN).all(dim=1))


def marked() -> TrainingBatch:
    """Return the batch with an instrument of its own in each window."""
    return replace(a_batch(), targets=torch.eye(6, 11))


def trained(folder: Path, side: np.ndarray | None, **training: object) -> Mapping[str, torch.Tensor]:
    model = tiny_model()
    if side is not None:
        model.side_inputs = SideInputs({"genre": ("cla", "pop")}, model.backbone.size)
    run = tiny_run(model, augment=STILL, **training)
    return fit(run, SplitData(DATA[0].samples, DATA[0].labels, side=side), DATA[1], folder).best_weights


def test_told_nothing_a_training_is_the_one_without_and_told_something_it_learns_it(tmp_path: Path):
    codes = np.arange(18)[:, None] % 2
    plain = trained(tmp_path / "plain", None)
    silent = trained(tmp_path / "silent", codes, side_inputs=("genre",), side_unknown_share=1.0)
    assert all(torch.equal(silent[name], weights) for name, weights in plain.items())
    assert not silent["side_inputs.tables.genre"].any()
    told_half = trained(tmp_path / "half", codes, side_inputs=("genre",), side_unknown_share=0.5)
    again = trained(tmp_path / "again", codes, side_inputs=("genre",), side_unknown_share=0.5)
    assert told_half["side_inputs.tables.genre"].any(dim=1).all()
    assert all(torch.equal(again[name], weights) for name, weights in told_half.items())


def test_a_model_file_keeps_values_and_vectors_and_without_any_says_nothing_of_them(tmp_path: Path):
    model, card = with_side_inputs(), tiny_card().model_copy(update={"side_inputs": VALUES})
    save_model(tmp_path / "model", plain_weights(model), card)
    loaded, found = load_model(tmp_path / "model")
    assert found == card
    assert loaded.side_inputs is not None
    assert loaded.side_inputs.names == ("drums", "genre")
    features = torch.randn(6, 1, 16, 20)
    assert torch.equal(loaded.classify(features, CODES).logits, model.classify(features, CODES).logits)
    assert "drums, genre, unknown when it predicts" in as_table(card, 1)
    save_model(tmp_path / "plain", plain_weights(tiny_model()), tiny_card())
    assert "side_inputs" not in (tmp_path / "plain" / "model.json").read_text()
    assert "side_inputs" not in tiny_card().model_dump_json()


def test_an_exported_graph_knows_none(tmp_path: Path):
    for name, model in (("with", with_side_inputs()), ("plain", Parts().build().eval())):
        export_graph(model, tmp_path / f"{name}.onnx", 4000)
    with_graph, plain = (onnx.load(tmp_path / f"{name}.onnx").graph for name in ("with", "plain"))
    assert [node.op_type for node in with_graph.node] == [node.op_type for node in plain.node]
    assert sorted(each.raw_data for each in with_graph.initializer) == sorted(
        each.raw_data for each in plain.initializer
    )
