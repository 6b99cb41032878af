"""In which order the processes of a test run take up the files of tests."""

RUN_FIRST = (
    "test_smoke.py",  # the longest of the everyday tests
    "pipeline/test_reproducible.py",  # builds the pipeline that the others of its folder copy
    "corpora/",  # enough to do while they would wait for it
    "duplicates/",
    "pipeline/test_experiments.py",  # then the longest, so that no process has a long one left at the end
    "pipeline/test_pages.py",
    "pipeline/test_interruption.py",
    "pipeline/test_own_data.py",
    "pipeline/test_staleness.py",
    "pipeline/test_full_disk.py",
    "pipeline/test_remotes.py",
    "pipeline/test_added_corpus.py",
    "pipeline/test_pretraining.py",
    "pipeline/test_record.py",
    "pipeline/test_commands.py",
    "reporting/",
    "explaining/",
    "evaluation/",
)
"""Files and folders of tests in the order in which processes are to take them up; all others come after."""
