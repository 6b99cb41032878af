"""The whole of params.yaml, checked together before any work starts."""

from pathlib import Path
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.acquisition.params import DownloadParams
from instrumentarium.auditing.params import AuditParams
from instrumentarium.baselines.params import BaselineParams
from instrumentarium.clips.params import WindowsParams
from instrumentarium.config.bases import with_bases
from instrumentarium.config.clips import lacking_backgrounds, too_long_windows, unknown_clips
from instrumentarium.config.collections import CollectionParams
from instrumentarium.config.labels import LabelsParams
from instrumentarium.config.models import ModelParams
from instrumentarium.config.selection import Entries, Selection, Selectors, select
from instrumentarium.corpora.source.params import CORPORA, DEFAULT, Corpus
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.ensembles.params import EnsembleParams
from instrumentarium.evaluation.params import EvaluateParams
from instrumentarium.explaining.params import ExplainParams
from instrumentarium.frontends.params import FrontEndParams
from instrumentarium.models.params import HeadParams
from instrumentarium.pretraining.params import PretrainingParams
from instrumentarium.reporting.params import ReportParams
from instrumentarium.runtime.section import PARAMS_FILE, Section, Seed, closest, read_yaml, validate
from instrumentarium.splitting.params import SplitParams
from instrumentarium.tables.params import AudioParams, TaxonomyParams
from instrumentarium.tables.selection import AUTO, is_file, unknown_taxonomy
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.objectives.params import LossParams
from instrumentarium.training.params import TrainingParams, lacks_layers_to_adapt, undivided_batch


class Params(Section):
    """The whole of params.yaml."""

    seed: Seed
    collection: str
    corpora: list[Corpus]
    model: str
    taxonomy: str
    collections: dict[str, CollectionParams]
    taxonomies: dict[str, TaxonomyParams]
    download: DownloadParams
    audio: AudioParams
    labels: LabelsParams
    split: SplitParams
    frontend: str
    head: str
    loss: str
    augmentation: str
    frontends: dict[str, FrontEndParams]
    heads: dict[str, HeadParams]
    losses: dict[str, LossParams]
    augmentations: dict[str, AugmentParams]
    windows: dict[str, WindowsParams]
    training: TrainingParams
    pretraining: PretrainingParams
    models: dict[str, ModelParams]
    descriptors: DescriptorParams
    baseline: BaselineParams
    ensemble: EnsembleParams
    audit: AuditParams
    evaluate: EvaluateParams
    explain: ExplainParams
    report: ReportParams

    @model_validator(mode="after")
    def _names_are_defined(self) -> Self:
        problems = []
        if self.collection not in self.collections:
            known = closest(self.collection, list(self.collections))
            problems.append(f"collection: {self.collection!r} is not a key of `collections` ({known})")
        if self.model not in self.models:
            problems.append(
                f"model: {self.model!r} is not a key of `models` ({closest(self.model, list(self.models))})"
            )
        problems += self._corpora_problems()
        problems += self._taxonomy_problems()
        for name, model in self.models.items():
            for part in ("frontend", "recipes"):
                keys = set(getattr(model, part))
                if keys != set(self.collections):
                    problems.append(
                        f"models.{name}.{part} must have one entry for each collection "
                        f"({', '.join(sorted(self.collections))}), found {', '.join(sorted(keys)) or 'none'}"
                    )
        if not problems:
            problems += self._selection_problems()
            problems += too_long_windows(self.models, self.windows, self.collections, self.corpora)
            collection = self.collections[self.collection]
            problems += lacking_backgrounds(self.selection.augmentation, collection)
            for name, augmentation in self.augmentations.items():
                found = augmentation.problems(self.audio.sample_rate_hz)
                problems += [f"augmentations.{name}.{problem}" for problem in found]
            problems += unknown_clips(self.explain.clips, collection, self.corpora)
        if problems:
            raise PydanticCustomError("names", "{text}", {"text": "\n  ".join(problems)})
        return self

    @property
    def entries(self) -> Entries:
        """All that can be selected."""
        return Entries(self.frontends, self.heads, self.losses, self.augmentations, self.windows)

    @property
    def selection(self) -> Selection:
        """What is selected; it was checked when params.yaml was read."""
        selectors = Selectors(self.frontend, self.head, self.loss, self.augmentation)
        chosen, problems = select(self.model, self.models[self.model], self.collection, self.entries, selectors)
        assert chosen is not None, problems
        return chosen

    def _selection_problems(self) -> list[str]:
        """Say what is wrong with what is selected, and with what any model would select on any collection."""
        selectors = Selectors(self.frontend, self.head, self.loss, self.augmentation)
        found = select(self.model, self.models[self.model], self.collection, self.entries, selectors)[1]
        lacking = lacks_layers_to_adapt(self.models[self.model].backbone, self.training)
        found += [] if lacking is None else [lacking]
        recipe, trainer = self.models[self.model].recipes[self.collection], self.training.trainer
        if trainer.devices != "auto" and (uneven := undivided_batch(recipe, trainer.devices, trainer.num_nodes)):
            found.append(uneven)
        for name, model in self.models.items():
            for collection in self.collections:
                found += select(name, model, collection, self.entries, Selectors())[1]
        return list(dict.fromkeys(found))

    def _corpora_problems(self) -> list[str]:
        problems = []
        missing = [corpus for corpus in DEFAULT if corpus not in self.corpora]
        if missing:
            problems.append(
                f"corpora must name {', '.join(DEFAULT)}; {', '.join(missing)} is missing: what a collection is to leave "
                "out is switched off by `use: false` under `collections`"
            )
        repeated = sorted({corpus for corpus in self.corpora if self.corpora.count(corpus) > 1})
        if repeated:
            problems.append(f"corpora names {', '.join(repeated)} more than once")
        problems += [
            f"collections.{name}: at least one of corpora.irmas, openmic and own must be used, or another corpus be named "
            "in `corpora`"
            for name, collection in self.collections.items()
            if collection.without_music(self.corpora)
        ]
        return problems

    def _taxonomy_problems(self) -> list[str]:
        problems = []
        if self.taxonomy == AUTO and self.collection in self.collections:
            corpora = self.collections[self.collection].corpora
            others = [name for name in self.corpora if name != "own" and getattr(corpora, name).use]
            if others:
                problems.append(
                    f"taxonomy: {AUTO!r} is for own data alone, and collection {self.collection} uses {', '.join(others)} "
                    f"as well; set collections.{self.collection}.corpora.{others[0]}.use to false, or name a taxonomy"
                )
        elif self.taxonomy != AUTO and not is_file(self.taxonomy) and self.taxonomy not in self.taxonomies:
            problems.append(f"taxonomy: {unknown_taxonomy(self.taxonomy, self.taxonomies)}")
        for name, taxonomy in self.taxonomies.items():
            if name == AUTO or is_file(name):
                problems.append(f"taxonomies.{name}: the name means something else; choose another")
            problems += [f"taxonomies.{name}.{problem}" for problem in unknown_corpora(taxonomy)]
        return problems


def unknown_corpora(taxonomy: TaxonomyParams) -> list[str]:
    """Say of every corpus that a taxonomy names and nobody knows what it may have meant."""
    unknown = [corpus for corpus in taxonomy.corpora if corpus not in CORPORA]
    return [f"corpora: {corpus!r} is no corpus ({closest(corpus, list(CORPORA))})" for corpus in unknown]


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check the whole of params.yaml.

    Raises:
        ParamsError: naming every key that is missing, unknown or holds a value out of its range, and what is allowed; or an
            entry whose base is not there.
    """
    return validate(with_bases(read_yaml(path), path), Params)
