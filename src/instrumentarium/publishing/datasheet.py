"""A collection's datasheet as Markdown: the questions of Datasheets for Datasets (Gebru et al., 2021)."""

from instrumentarium.publishing.contents import SPLITS, Contents
from instrumentarium.publishing.material import Material


def datasheet(material: Material, contents: Contents) -> str:
    """Return datasheet.md."""
    rendered = bool(material.rendered)
    return "\n".join(
        [
            f"# Datasheet: {material.title}",
            "",
            "The sections are those of Gebru et al., Datasheets for Datasets (Communications of the ACM, 2021).",
            "",
            "## Motivation",
            "",
            "To train and test models that say which instruments play in a recording. "
            + (
                "The audio is rendered so that the whole pipeline runs anywhere; results on it say little of real music."
                if rendered
                else "Corpora made for it by others are brought into one taxonomy and one split."
            ),
            "",
            "## Composition",
            "",
            f"{len(contents.clips)} clips of {contents.recordings} recordings (after duplicates were merged):",
            "",
            *_corpora(material, contents),
            "",
            "Clips that hold an instrument (relevance at least 0.5), by split. A pair of clip and instrument that nobody "
            "labelled has no row in labels.csv and counts nowhere:",
            "",
            *_instruments(contents),
            "",
            f"Pairs of clips that hold the same sound, which no two splits may part: {contents.duplicates}. Members of the "
            f"archives that did not become clips: {sum(contents.rejected.values())}.",
            "",
            "The audio is not part of this description. It holds no personal data beyond titles and names of artists in "
            "paths."
            if not any(each.corpus == "own" for each in material.corpora)
            else "The audio is not part of this description. Paths of your own files are: look through clips.csv before "
            "you pass it on.",
            "",
            "## Collection process",
            "",
            *(
                [
                    "Scores were composed at random by key, tempo and genre, and rendered with a SoundFont, the "
                    "flaws of real corpora included: wrong labels, duplicates, unreadable and silent files."
                ]
                if rendered
                else []
            ),
            *[f"- {each.title}: {_source(each.page)}. {each.citation}".rstrip() for each in material.recorded],
            "",
            "## Preprocessing, cleaning, labelling",
            "",
            "Files were decoded, mixed down to one channel and resampled once. Labels of each corpus were brought into the "
            f"taxonomy `{contents.taxonomy.name}`; conflicting labels of duplicates were resolved. Clips are split by "
            "recording and stratified over labels, by a seed.",
            "",
            "## Uses",
            "",
            "Multi-label recognition of instruments, thresholds chosen on validation, results reported on test. Not fit to "
            "judge how models do on music unlike it, on other instruments, or on who plays.",
            "",
            "## Distribution",
            "",
            *material.terms(),
            "",
            "## Maintenance",
            "",
            (
                "It is rendered anew, to the same bytes, by `dvc repro`."
                if rendered
                else "The publishers keep the archives; croissant.json has their addresses and md5."
            )
            + " `instrumentarium describe-collection` makes this page anew.",
            "",
        ]
    )


def _corpora(material: Material, contents: Contents) -> list[str]:
    columns = ("corpus", "clips", "recordings", "hours", *SPLITS, "rejected")
    rows = contents.per_corpus.to_dict("index")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for each in material.corpora:
        row = rows.get(each.corpus, dict.fromkeys(columns, 0))  # a corpus of which every file was rejected
        cells = [f"{row[name]:.2f}" if name == "hours" else str(row[name]) for name in columns[1:-1]]
        lines.append(f"| {each.title} | {' | '.join(cells)} | {contents.rejected[each.corpus]} |")
    return lines


def _instruments(contents: Contents) -> list[str]:
    lines = ["| instrument | train | validation | test |", "|---|---|---|---|"]
    for code, row in contents.per_instrument.to_dict("index").items():
        lines.append(f"| {contents.taxonomy.names[str(code)]} | {' | '.join(str(row[split]) for split in SPLITS)} |")
    return lines


def _source(page: str) -> str:
    return f"<{page}>" if page else "files of the user's own"
