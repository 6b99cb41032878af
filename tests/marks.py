"""Which tests `make test` leaves to `make test-all`, and what for; it runs all the others, the everyday ones.

A test of which only the large case is left out is marked where it stands.
"""

MARKS = {
    "comparing/test_revisions.py": "pipeline",
    "wheel/": "pipeline",
    "pipeline/": "pipeline",
    "test_documents.py::test_each_experiment_changes": "pipeline",
    "test_offline_plots.py": "pipeline",
    "test_site.py": "pipeline",
    "reporting/test_page.py": "pipeline",
    "reviewing/test_page.py": "pipeline",
    "runtime/test_revisions.py": "pipeline",
    "duplicates/test_planted.py": "render",
    "miniature/test_cues.py": "render",
    "miniature/test_esc50.py": "render",
    "miniature/test_irmas.py": "render",
    "miniature/test_openmic.py": "render",
    "miniature/test_processors.py": "render",
    "serving/test_page.py": "browser",
    "models/test_entries.py::test_an_entry": "networks",
    "models/test_families.py::test_a_family_trains": "networks",
    "models/test_image.py::test_other_transformers_are_built": "networks",
    "models/test_modelfile.py::test_a_model_that_would_take_gigabytes": "networks",
    "predicting/test_onnx.py::test_any_model_agrees_with_its_export": "networks",
    "config/test_architectures.py::test_spectrograms_that_are_too_small": "networks",
    "runtime/test_process.py::test_strict_training": "networks",
    "serving/test_server.py": "server",
    "api/test_api.py::test_help_shows": "server",
    "predicting/test_command.py::test_names_come_from_the_shell": "server",
    "predicting/test_command.py::test_sigterm_leaves": "server",
    "predicting/test_command.py::test_a_closed_pipe": "server",
    "predicting/test_systems.py": "server",
    "auditing/test_auditing.py": "statistical",
    "benchmarks/test_real_notes.py": "statistical",
    "benchmarks/test_bit_flips.py": "statistical",
    "benchmarks/test_fuzz_audio.py": "statistical",
    "keys/test_keys.py::test_key_and_tempo": "statistical",
    "benchmarks/test_fuzz_files.py": "statistical",
    "evaluation/test_significance.py::test_equal_systems_differ_as_often_as_p_says": "statistical",
    "evaluation/test_significance.py::test_exchanging_clips_instead_would_raise_false_alarms": "statistical",
    "corpora/test_irmas.py::test_the_published_collection_is_ingested_whole": "statistical",
    "evaluation/test_bootstrap.py::test_intervals_cover_the_truth": "statistical",
    "evaluation/test_calibration_intervals.py::test_intervals_hold_the_error_of_endless_data": "statistical",
    "evaluation/test_choosing.py::test_cross_fitting_does_not_reward_thresholds_for_noise": "statistical",
    "evaluation/test_evaluation.py::test_the_whole_official_test_set_is_evaluated_in_seconds": "statistical",
    "serving/test_hostile.py": "statistical",
    "splitting/test_folds.py::test_each_fold_validates_recordings_outside_test": "statistical",
    "splitting/test_folds.py::test_a_fold_needs_no_other": "statistical",
    "splitting/test_folds.py::test_folds_are_alike_in_corpora": "statistical",
    "splitting/test_published_songs.py": "statistical",
    "splitting/test_split_quality.py::test_it_prints_one_line_of_json_that_repeats": "statistical",
    "splitting/test_split_quality.py::test_seed_and_share_are_options": "statistical",
    "splitting/test_stratified.py::test_every_part_gets_a_recording_in_every_search": "statistical",
}
"""The beginning of `folder/file.py::test`, below this folder, and the mark that such tests are given."""


def mark_of(place: str) -> str | None:
    """Return the mark of a test, given as `folder/file.py::test`, or None if it is an everyday one."""
    return next((mark for start, mark in MARKS.items() if place.startswith(start)), None)
