"""Take each border away and see a test go red: a test that cannot fail holds nothing.

    python tests/remove_borders.py [PART OF A NAME ...]

Each entry of BORDERS names a source file, a text that stands in it exactly once, what takes its place, and a test. The
package is copied, the text replaced in the copy, and the test must fail there. Ends with 1 where one stays green.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# ruff: noqa: E501
ROOT = Path(__file__).parents[1]
FORMS = "conformance/test_array_border.py::"
DRY_RUN = "training/test_dry_run.py::"
SAVED = "posteriors/test_damaged_posteriors.py::"
TABLES = "posteriors/scikit_learn/test_any_table.py::"
FILES = "study/config/test_study_files.py::"
DAMAGE = "study/test_damage.py::test_a_report_is_written_without_a_trial_that_is_damaged_and_names_it"
ANY_READER = "except Exception:  # whatever a reader raises: numbers, nesting and text beyond its limits, too"

# (source, text, its replacement, test)
BORDERS: list[tuple[str, str, str, str]] = [
    ("information/pairwise.py", ".clone(memory_format=torch.contiguous_format)", ".contiguous()", "conformance/test_arguments_stay_as_they_are.py::test_no_function_writes_into_its_arguments"),
    ("arrays.py", "    masked = np.asarray(mask)", "    masked = np.asarray(False)", FORMS + "test_what_is_no_array_of_numbers_is_refused_by_name"),
    ("arrays.py", '    if dtype == "uint64":', '    if dtype == "":', FORMS + "test_whole_numbers_beyond_int64_are_refused_with_their_places"),
    ("arrays.py", "numpy_to_tensor(array)).to(torch.int64)", "numpy_to_tensor(array))", FORMS + "test_every_form_of_the_same_numbers_does_the_same"),
    ("arrays.py", "    right = array.dtype == native and array.flags.writeable and array.flags.aligned and all(steps)", "    right = True", FORMS + "test_every_form_of_the_same_numbers_does_the_same"),
    ("arrays.py", "    if not real:", "    if False:", FORMS + "test_what_is_no_array_of_numbers_is_refused_by_name"),
    ("arrays.py", "values.detach() if values.requires_grad else values", "values", FORMS + "test_every_form_of_the_same_numbers_does_the_same"),
    ("acquisition/select.py", "torch.is_grad_enabled() and not isinstance(acquisition, str)", "torch.is_grad_enabled()", "conformance/test_arguments_stay_as_they_are.py::test_no_method_writes_into_what_it_is_offered"),
    ("posteriors/dropout/masks.py", "    if len(feature_shape) != axes and has_dropout(layer):", "    if False:", "posteriors/dropout/test_channels.py"),
    ("training/network_factory.py", "    _refuse_shared_weights(module)\n", "", "training/test_network_factory.py"),
    ("training/network_factory.py", "        return uncompile(deep_copy(module)[0])", "        return module", "training/test_network_factory.py"),
    ("training/dry_run.py", "        _check_num_outputs(logits, data.num_classes)\n", "", DRY_RUN + "test_outputs_that_are_no_logits_of_the_classes_are_refused_before_the_training"),
    ("training/dry_run.py", "        refuse_probabilities(logits, module)\n", "", DRY_RUN + "test_outputs_that_are_no_logits_of_the_classes_are_refused_before_the_training"),
    ("training/dry_run.py", "        use(module.eval(), inputs)\n", "", DRY_RUN + "test_what_cannot_be_copied_is_refused_before_the_training"),
    ("posteriors/scikit_learn/training_sets.py", "examples.dtype not in _TORCH_DTYPES", "False", TABLES + "test_any_table_gives_draws_and_comes_back_from_a_folder"),
    ("posteriors/scikit_learn/bagging.py", "    known, numbers = np.unique(classes, return_inverse=True)", "    known, numbers = np.arange(training.num_classes), classes", TABLES + "test_estimators_of_every_habit_predict_what_a_plain_one_does"),
    ("posteriors/storage.py", '    if content.pop("sha256") != _sha256_of_content(content):', '    if not content.pop("sha256"):', SAVED + "test_any_changed_setting_is_found"),
    ("posteriors/storage.py", '    if _sha256(weights) != content["weights_sha256"]:', "    if False:", SAVED + "test_any_changed_byte_of_the_tensors_is_found"),
    ("posteriors/state_checks.py", "        if spec.finite and not bool(value.isfinite().all()):", "        if False:", SAVED + "test_every_tensor_is_checked_where_the_hashes_are_right"),
    ("posteriors/scikit_learn/trees.py", "        if depth != self.depth:", "        if False:", SAVED + "test_another_depth_of_a_forest_is_refused"),
    ("session/journal_store.py", "except Exception:  # whatever a reader raises", "except (ValueError, KeyError):", DAMAGE),
    ("session/manifest.py", ANY_READER, "except (ValueError, KeyError, TypeError):", DAMAGE),
    ("study/config/study_files.py", "except Exception as error:  # also a number of more digits than Python reads", "except tomllib.TOMLDecodeError as error:", FILES + "test_any_damage_gives_a_study_or_one_clear_error"),
    ("study/config/schema.py", "seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 5", "seeds: Annotated[int, Field(ge=1)] = 5", FILES + "test_a_count_beyond_its_limit_is_refused_at_once"),
    ("study/config/validation.py", "    yield from _draw_contradictions(experiment)\n", "", FILES + "test_one_draw_is_refused_where_draws_are_compared"),
    ("study/figures/style.py", '"text.parse_math": False,', '"text.parse_math": True,', "study/figures/test_names.py"),
    ("study/running/runner.py", "    check_device(device)\n    out", "    out", "study/running/test_runner.py::test_a_device_that_is_not_here_is_refused_before_anything_is_written"),
    ("study/comparison/label_ratio.py", "return np.where(bounded, points, mean)", "return (below + above) / 2", "study/comparison/test_label_ratio.py"),
    ("study/comparison/paired_labels.py", "first, second = sorted((name, reference))", "first, second = name, reference", "study/comparison/test_contrasts.py"),
    ("study/comparison/exact_tests.py", "    return min(1.0, reaching * chance)", "    return min(1.0, chance)", "study/comparison/test_exact_tests.py"),
    ("study/trials.py", '            **({} if version is None else {"method_version": version}),\n', "", "study/test_trials.py"),
    ("acquisition/axis_order.py", "    if draw_effect > row_effect or (", "    if (", "acquisition/test_axis_order.py"),
    ("apps/output_file.py", "        if path.exists() and out.samefile(path):", "        if False:", "apps/test_select_command.py"),
    ("apps/interrupts.py", "with _handle(signal.SIGINT, _exit), ", "with ", "apps/test_interrupts.py"),
    ("apps/interrupts.py", ", _handle(signal.SIGTERM, _exit):", ":", "apps/test_interrupts.py"),
]  # fmt: skip


def main() -> None:
    wanted = sys.argv[1:]
    green = []
    for source, text, replacement, test in BORDERS:
        if wanted and not any(part in source or part in test for part in wanted):
            continue
        is_red = goes_red(source, text, replacement, test)
        print(f"{'red' if is_red else 'GREEN'}  {source}: {text.strip()[:70]!r}  {test}", flush=True)
        green += [] if is_red else [source]
    sys.exit(1 if green else 0)


def goes_red(source: str, text: str, replacement: str, test: str) -> bool:
    """Whether the test fails in a copy of the package without the border."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        changed = copy / "lindley" / source
        content = changed.read_text(encoding="utf-8")
        if content.count(text) != 1:
            sys.exit(f"{source} has {text!r} {content.count(text)} times, and once is expected")
        changed.write_text(content.replace(text, replacement), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/{test}"]
        ran = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True)
        if ran.returncode not in (0, 1):  # 1: a test failed; others say that none was found, or that it did not start
            sys.exit(ran.stdout.decode() + ran.stderr.decode())
        return ran.returncode == 1


if __name__ == "__main__":
    main()
