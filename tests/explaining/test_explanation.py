import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from explaining.made import PARAMS, Material, material
from model_fixtures import bytes_below
from PIL import Image

from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.explaining.choosing import choose_named
from instrumentarium.explaining.errors import BrokenEmbeddingsError, StaleScoresError, UnknownClipError
from instrumentarium.explaining.explanation import Explanation, explain, read_embeddings, write_explanation
from instrumentarium.explaining.maps import evidence
from instrumentarium.explaining.overlay import title
from instrumentarium.explaining.strongest import explain_strongest
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.params import TimmParams


def explained(given: Material, **changes: object) -> Explanation:
    return explain(
        given.model,
        given.card,
        given.scored,
        given.samples,
        given.embeddings,
        PARAMS.model_copy(update=changes),
        seed=1,
    )


@pytest.fixture(scope="module")
def given() -> Material:
    return material()


@pytest.fixture(scope="module")
def found(given: Material) -> Explanation:
    return explained(given)


def write(found: Explanation, folder: Path) -> None:
    write_explanation(
        found,
        maps=folder / "maps",
        embeddings=folder / "embeddings",
        projector=folder / "projector",
        rows=folder / "embedding.json",
        metrics=folder / "metrics.json",
    )


def test_the_same_model_is_explained_in_the_same_bytes(given: Material, tmp_path: Path):
    some = given.scored.clip_ids[:2]
    write(explained(given, clips=some), tmp_path / "first")
    write(explained(material(), clips=some), tmp_path / "second")
    assert bytes_below(tmp_path / "first") == bytes_below(tmp_path / "second")


def test_pictures_hold_no_date_and_no_version(found: Explanation):
    for name, content in {**found.maps, **found.embeddings}.items():
        if name.endswith(".png"):
            kinds, place = [], 8
            while place < len(content):
                (length,) = struct.unpack(">I", content[place : place + 4])
                kinds.append(content[place + 4 : place + 8])
                place += length + 12
            assert set(kinds) <= {b"IHDR", b"pHYs", b"IDAT", b"IEND"}, name


def test_every_choice_has_its_picture_and_its_line(given: Material, found: Explanation):
    listing = json.loads(found.maps["maps.json"])
    assert {row["file"] for row in listing} == set(found.maps) - {"maps.json"}
    assert {row["empty"] for row in listing} <= {True, False}
    assert {row["instrument"] for row in listing} == set(given.scored.taxonomy.codes)
    assert all(row["method"] == "gradcam" for row in listing)
    for row in listing:
        width, height = Image.open(io.BytesIO(found.maps[row["file"]])).size
        assert 600 < width < 900
        assert 200 < height < 400


def test_an_earlier_picture_does_not_survive(given: Material, found: Explanation, tmp_path: Path):
    write(found, tmp_path)
    write(explained(given, clips=(given.scored.clip_ids[0],)), tmp_path)
    names = {path.name for path in (tmp_path / "maps").iterdir()}
    assert names
    assert all(name.startswith("clip-01-") or name == "maps.json" for name in names)
    assert not list(tmp_path.glob(".*"))


def test_the_strongest_window_is_explained(given: Material):
    clip_id = given.scored.clip_ids[-1]
    for choice in choose_named(given.scored, (clip_id,)):
        found = explain_strongest(given.model, given.card, given.samples, choice, "gradcam")
        column, clip = choice.column, given.samples.read(choice.row)
        starts = window_starts(len(clip), 4000, 2000)
        windows = torch.from_numpy(np.stack([cut_window(clip, start, 4000) for start in starts]))
        with torch.no_grad():
            scores = given.model(to_waveforms(windows)).sigmoid()[:, column]
        assert found.start_s == starts[int(scores.argmax())] / 8000
        assert found.window_score == pytest.approx(float(scores.max()), abs=1e-6)
        features = given.model.frontend(to_waveforms(windows[int(scores.argmax())][None]))
        np.testing.assert_allclose(found.spectrogram, features[0, 0].numpy(), atol=1e-4)
        again = evidence(
            given.model, given.model.normalise(features), torch.tensor([column]), "gradcam", tuple(features.shape[2:])
        )
        np.testing.assert_allclose(found.evidence, again[0].numpy(), atol=1e-4)


def test_a_clip_shorter_than_a_window_says_how_long_it_is(given: Material):
    choice = choose_named(given.scored, (given.scored.clip_ids[0],))[0]
    found = explain_strongest(given.model, given.card, given.samples, choice, "gradients")
    assert (found.start_s, found.duration_s) == (0, 0.25)


def test_a_title_is_plain_text(given: Material):
    choice = choose_named(given.scored, (given.scored.clip_ids[0],))[0]
    text = title(choice, explain_strongest(given.model, given.card, given.samples, choice, "gradients"))
    assert f"score {choice.score:.2f}" in text
    assert r"Café \$5" in text
    assert "音" not in text  # the font has no such letter


@pytest.mark.parametrize(("architecture", "method"), [("test_resnet", "gradcam"), ("test_vit", "attention")])
def test_a_network_of_timm_is_explained(architecture, method):
    network = TimmParams(kind="timm", architecture=architecture)
    made = material(network)
    assert explained(made, clips=made.scored.clip_ids[:1]).metrics["maps"]["method"] == method


def test_rows_are_one_a_clip(given: Material, found: Explanation):
    assert [row["clip_id"] for row in found.rows] == list(given.scored.clip_ids)


def test_metrics_say_how_much_the_pictures_show(found: Explanation):
    variance = found.metrics["pca"]["explained_variance"]
    assert list(variance) == [f"{n:02d}" for n in range(1, 11)]
    assert found.metrics["pca"]["two_components"] == pytest.approx(variance["01"] + variance["02"], abs=1e-4)
    assert 3 <= found.metrics["pca"]["components_for_90_percent"] <= 12
    assert found.metrics["embeddings"] == {"clips": 24, "size": 12, "drawn": 24}


def test_embeddings_of_other_clips_are_refused(given: Material):
    with pytest.raises(StaleScoresError, match=r"embeddings of shape \(23, 12\).*run `dvc repro score`"):
        explained(replace(given, embeddings=given.embeddings[1:]))


def test_an_unknown_clip_stops_the_stage(given: Material):
    with pytest.raises(UnknownClipError, match=r"explain\.clips: 'nothing/like/it' is not among the 24"):
        explained(given, clips=("nothing/like/it",))


def test_damaged_embeddings_are_refused_or_the_same(tmp_path: Path):
    path, embeddings = tmp_path / "embeddings.npy", np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.save(path, embeddings)
    sound = path.read_bytes()
    np.testing.assert_array_equal(read_embeddings(path), embeddings)
    flipped = [sound[:at] + bytes([sound[at] ^ 1 << at % 8]) + sound[at + 1 :] for at in range(len(sound) - 80)]
    noticed = 0
    for content in (*flipped, *(sound[:keep] for keep in (0, 5, 100, 130, -4, -1))):
        path.write_bytes(content)
        try:
            found = read_embeddings(path)
        except BrokenEmbeddingsError:
            noticed += 1
        else:  # a blank of the header's padding, or another shape, which is compared with the clips
            assert found.shape != embeddings.shape or np.array_equal(found, embeddings)
    assert noticed > 60
