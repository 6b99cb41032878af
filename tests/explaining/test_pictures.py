"""Pictures and tables of explanations, of any instruments."""

import io
from dataclasses import replace

import numpy as np
import pytest
from explaining.made import scored_clips
from matplotlib.axes import Axes
from PIL import Image
from plot_rows import OPENMIC20

from instrumentarium.drawing.colours import PALE, colours_of
from instrumentarium.explaining.choosing import choose_clips
from instrumentarium.explaining.overlay import draw_overlay, title
from instrumentarium.explaining.projection import Projection
from instrumentarium.explaining.projector import projector_files
from instrumentarium.explaining.scatter import draw_all, embedding_rows
from instrumentarium.explaining.strongest import ExplainedWindow
from taxonomies import BAND3, IRMAS11


def projection(count: int) -> Projection:
    points = np.random.default_rng(2).standard_normal((2, count, 2))
    return Projection(np.arange(count), points[0], points[1], np.array([0.5, 0.3, 0.2]), 5.0, 0.1)


@pytest.mark.parametrize("taxonomy", [BAND3, OPENMIC20], ids=lambda taxonomy: taxonomy.name)
def test_clouds_have_room_for_a_legend_of_any_length(taxonomy):
    scored = scored_clips(60, taxonomy=taxonomy)
    alone = np.eye(len(taxonomy), dtype=np.bool_)[np.arange(60) % len(taxonomy)]
    pictures = draw_all(replace(scored, targets=alone, observed=np.ones_like(alone)), projection(60))
    assert set(pictures) == {"pca.png", "tsne.png", "scree.png"}
    width, height = Image.open(io.BytesIO(pictures["pca.png"])).size
    assert width == 1170
    assert (height > 500) == (taxonomy is OPENMIC20)


def test_rows_carry_the_name_and_the_colour_of_the_only_instrument():
    scored = scored_clips(6, taxonomy=BAND3)
    targets = np.zeros((6, 3), dtype=np.bool_)
    targets[0, 2] = targets[1, 0] = targets[2, 0] = targets[2, 1] = True
    rows = embedding_rows(replace(scored, targets=targets, observed=np.ones_like(targets)), projection(6))
    colours = colours_of(BAND3.codes)
    assert [(row["instrument"], row["colour"]) for row in rows[:4]] == [
        ("steel drums", colours["steel_drums"]),
        ("banjo", colours["banjo"]),
        ("several", PALE),
        ("none", PALE),
    ]
    axes = {"pca_1", "pca_2", "tsne_1", "tsne_2"}
    assert all(set(row) == {"clip_id", "corpus", "genre", "instrument", "colour", *axes} for row in rows)


@pytest.mark.parametrize("shape", [(8, 20), (4, 5), (1, 10)])
def test_evidence_may_be_coarser_than_the_spectrogram(shape):
    choice = choose_clips(scored_clips(taxonomy=BAND3), 1)[0]
    found = ExplainedWindow(
        spectrogram=np.random.default_rng(0).standard_normal((8, 20)).astype(np.float32),
        evidence=np.ones(shape, dtype=np.float32),
        start_s=0.5,
        duration_s=1.0,
        window_score=0.25,
    )
    png = draw_overlay(found, choice, "gradcam", np.geomspace(50, 10000, 8), 0.05)
    assert Image.open(io.BytesIO(png)).size == (754, 286)
    assert title(choice, found).startswith(f"{choice.instrument_name} ")


def test_an_empty_map_says_that_it_is(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(Axes, "text", lambda axes, x, y, text, **looks: said.append(text))
    choice = choose_clips(scored_clips(taxonomy=BAND3), 1)[0]
    for evidence in (np.zeros((8, 20), np.float32), np.eye(8, 20, dtype=np.float32)):
        found = ExplainedWindow(np.ones((8, 20), np.float32), evidence, 0.0, 1.0, 0.25)
        assert found.is_empty == (not evidence.any())
        draw_overlay(found, choice, "gradcam", np.geomspace(50, 10000, 8), 0.05)
    assert said == ["Nothing in this window speaks for it:\nthe map is 0 throughout."]


@pytest.mark.parametrize("taxonomy", [BAND3, IRMAS11], ids=lambda taxonomy: taxonomy.name)
def test_the_projector_reads_its_files(taxonomy):
    scored = scored_clips(6, taxonomy=taxonomy)
    odd = replace(scored, clip_ids=("a\tb\nc", *scored.clip_ids[1:]))
    embeddings = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    files = projector_files(odd, embeddings)
    assert set(files) == {"tensors.tsv", "metadata.tsv", "projector_config.pbtxt"}
    header, *rows = files["metadata.tsv"].decode().rstrip("\n").split("\n")
    columns = header.split("\t")
    assert columns == ["clip_id", "recording_id", "corpus", "split", "genre", "instrument", "true", "predicted"]
    assert len(rows) == 6
    assert all(len(row.split("\t")) == len(columns) for row in rows)
    assert rows[0].startswith("a b c\t")
    assert [row.split("\t")[-1] for row in rows] == [taxonomy.codes[column] for column in scored.scores.argmax(axis=1)]
    read = np.loadtxt(io.BytesIO(files["tensors.tsv"]), delimiter="\t")
    np.testing.assert_allclose(read, embeddings, rtol=1e-6)
    for name in ("tensors.tsv", "metadata.tsv"):
        assert f'"{name}"' in files["projector_config.pbtxt"].decode()
