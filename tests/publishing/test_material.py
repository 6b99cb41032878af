"""What a collection is made of: which of its corpora were rendered, and under which terms the others are."""

from instrumentarium.corpora.source.card import Licence
from instrumentarium.publishing.material import CorpusFacts, Material


def facts(corpus: str, title: str) -> CorpusFacts:
    return CorpusFacts(corpus, title, "", (Licence("audio", "CC BY 4.0", "https://x"),), "", "", used=True)


def test_what_was_rendered_and_what_recorded_are_named_apart():
    irmas, nsynth = facts("irmas", "IRMAS"), facts("nsynth", "NSynth")
    both = Material("miniature", "rendered", (irmas, nsynth))
    assert both.title == "IRMAS (rendered) + NSynth"
    terms = both.terms()
    assert (
        terms[0] == "- composed and rendered in the layouts of IRMAS, with none of their audio and none of their labels"
    )
    assert terms[-1] == "- NSynth, audio: [CC BY 4.0](https://x)"
    published = Material("full", "published", (irmas, nsynth))
    assert published.title == "IRMAS + NSynth"
    assert published.terms() == [f"- {name}, audio: [CC BY 4.0](https://x)" for name in ("IRMAS", "NSynth")]
    assert Material("miniature", "rendered", (irmas,)).title == "IRMAS (rendered)"
