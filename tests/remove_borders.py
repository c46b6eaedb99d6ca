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
WEB = "apps/web/test_security.py::"
ATTACK = "apps/web/test_attacks.py::"
TRAINER = "labelling/test_trainer.py::"
STUDIO = "apps/web/test_label_studio.py::"
SERVER = "labelling/test_postgresql.py::"
PUSHED = "labelling/label_studio/test_synchroniser.py::"
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
    ("posteriors/head/head.py", "    if mean.shape not in {(num_features, num_classes), (num_features + 1, num_classes)}:", "    if False:", "posteriors/head/test_prior_mean.py::test_prior_means_of_other_shapes_or_not_finite_are_refused"),
    ("posteriors/head/head.py", "        if prior_mean is not None and len(prior_mean) != len(tensors[\"origin\"]) + 1:", "        if False:", "posteriors/head/test_prior_mean.py::test_a_stored_prior_mean_of_other_features_is_refused"),
    ("training/network_factory.py", "    _refuse_shared_weights(module)\n", "", "training/test_network_factory.py"),
    ("training/network_factory.py", "        return uncompile(deep_copy(module)[0])", "        return module", "training/test_network_factory.py"),
    ("training/dry_run.py", "        _check_num_outputs(logits, data.num_classes)\n", "", DRY_RUN + "test_outputs_that_are_no_logits_of_the_classes_are_refused_before_the_training"),
    ("training/dry_run.py", "        refuse_probabilities(logits, module)\n", "", DRY_RUN + "test_outputs_that_are_no_logits_of_the_classes_are_refused_before_the_training"),
    ("training/dry_run.py", "        use(module.eval(), inputs)\n", "", DRY_RUN + "test_what_cannot_be_copied_is_refused_before_the_training"),
    ("posteriors/scikit_learn/training_sets.py", "examples.dtype not in _TORCH_DTYPES", "False", TABLES + "test_any_table_gives_draws_and_comes_back_from_a_folder"),
    ("posteriors/scikit_learn/estimators.py", "    known, numbers = np.unique(classes, return_inverse=True)", "    known, numbers = np.arange(training.num_classes), classes", TABLES + "test_estimators_of_every_habit_predict_what_a_plain_one_does"),
    ("posteriors/storage.py", '    if content.pop("sha256") != _sha256_of_content(content):', '    if not content.pop("sha256"):', SAVED + "test_any_changed_setting_is_found"),
    ("posteriors/storage.py", '    if _sha256(weights) != content["weights_sha256"]:', "    if False:", SAVED + "test_any_changed_byte_of_the_tensors_is_found"),
    ("posteriors/state_checks.py", "        if spec.finite and not bool(value.isfinite().all()):", "        if False:", SAVED + "test_every_tensor_is_checked_where_the_hashes_are_right"),
    ("posteriors/scikit_learn/trees.py", "        if depth != self.depth:", "        if False:", SAVED + "test_another_depth_of_a_forest_is_refused"),
    ("session/journal_file.py", "except Exception:  # whatever a reader raises", "except (ValueError, KeyError):", DAMAGE),
    ("session/manifest.py", ANY_READER, "except (ValueError, KeyError, TypeError):", DAMAGE),
    ("labelling/claims.py", "_FREE.where(is_fresh(_other))", "_FREE.where(_other.c.open > 0)", "labelling/test_claims.py::test_a_claim_costs_the_same_among_many_items_as_among_few"),
    ("labelling/claims.py", "    ~sa.exists().where(touched.c.item == _other.c.id, touched.c.person == _who),\n", "", "labelling/test_claims.py::test_nobody_is_served_an_item_again_which_they_have_answered"),
    ("labelling/sqlite.py", "recursive_triggers = ON", "recursive_triggers = OFF", "labelling/test_event_append.py::test_the_database_refuses_to_change_events"),
    ("labelling/event_append.py", "    if fault := find_fault(_EventFields, vars(each)):\n        return fault\n", "", "labelling/test_event_append.py::test_one_refused_event_leaves_those_beside_it"),
    ("labelling/database.py", "            self.writer.run(save_time)\n", "", "labelling/test_claims.py::test_time_counts_in_which_nothing_was_written_before_the_store_was_closed"),
    ("study/config/study_files.py", "except Exception as error:  # also a number of more digits than Python reads", "except tomllib.TOMLDecodeError as error:", FILES + "test_any_damage_gives_a_study_or_one_clear_error"),
    ("study/config/schema.py", "seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 5", "seeds: Annotated[int, Field(ge=1)] = 5", FILES + "test_a_count_beyond_its_limit_is_refused_at_once"),
    ("study/config/validation.py", "    yield from _draw_contradictions(experiment)\n", "", FILES + "test_one_draw_is_refused_where_draws_are_compared"),
    ("study/figures/style.py", '"text.parse_math": False,', '"text.parse_math": True,', "study/figures/test_names.py"),
    ("study/running/runner.py", "    check_device(device)\n    out", "    out", "study/running/test_runner.py::test_a_device_that_is_not_here_is_refused_before_anything_is_written"),
    ("study/comparison/label_ratio.py", "return np.where(bounded, points, mean)", "return (below + above) / 2", "study/comparison/test_label_ratio.py"),
    ("study/comparison/paired_labels.py", "first, second = sorted((name, reference))", "first, second = name, reference", "study/comparison/test_contrasts.py"),
    ("study/comparison/exact_tests.py", "    return min(1.0, reaching * pair_p)", "    return min(1.0, pair_p)", "study/comparison/test_exact_tests.py"),
    ("study/trials.py", '            **({} if version is None else {"method_version": version}),\n', "", "study/test_trials.py"),
    ("acquisition/axis_order.py", "    if draw_effect > row_effect or (", "    if (", "acquisition/test_axis_order.py"),
    ("apps/output_file.py", "        if path.exists() and out.samefile(path):", "        if False:", "apps/test_select_command.py"),
    ("apps/interrupts.py", "with _handle(signal.SIGINT, _exit), ", "with ", "apps/test_interrupts.py"),
    ("apps/interrupts.py", ", _handle(signal.SIGTERM, _exit):", ":", "apps/test_interrupts.py"),
    ("acquisition/catalogue.py", "    spec.options(**options)\n", "", "acquisition/test_catalogue.py::test_wrong_names_and_options_are_refused_with_the_allowed_ones"),
    ("value_checks.py", "abs(value) <= sys.float_info.max", "True", "acquisition/test_options.py::test_a_number_must_fit_into_a_float"),
    ("value_checks.py", "    if not (is_number(value) and value > 0):", "    if False:", "acquisition/test_options.py::test_every_option_refuses_what_it_cannot_use"),
    ("value_checks.py", "    if isinstance(value, bool) or not isinstance(value, int) or value < least:", "    if value < least:", "acquisition/test_options.py::test_only_yes_or_no_may_be_a_boolean"),
    ("acquisition/stochastic.py", "        options(beta)\n", "", "conformance/test_acquisitions.py::test_the_function_itself_refuses_a_wrong_option"),
    ("acquisition/scan.py", "        if bool(self.seen[places].any()):", "        if False:", "acquisition/test_checks.py::test_a_scan_that_yields_a_row_twice_is_refused"),
    ("acquisition/scan.py", "    if whole is None or found != len(rows):", "    if whole is None:", "acquisition/test_checks.py::test_chunks_that_do_not_cover_the_rows_are_refused"),
    ("acquisition/diverse/subset.py", 'row_uniforms(rows, seed, "subset").argsort()[:most]', "torch.rand(len(rows)).argsort()[:most]", "acquisition/diverse/test_context_features.py::test_a_large_pool_is_read_on_a_subset_that_depends_on_seed_and_rows_alone"),
    ("apps/error_messages.py", '    return option + text.removeprefix(name) if text.startswith(f"{name} ") else f"{option}: {text}"', "    return text", "apps/test_error_messages.py"),
    ("apps/command_classes.py", "        if isinstance(error, ConfigurationError):", "        if False:", "apps/test_error_messages.py"),
    ("apps/run_progress.py", "        return self.seconds_left if stable else None", "        return self.seconds_left", "apps/test_run_progress.py"),
    ("apps/input_files.py", "got=error.got, rows=error.rows", "", "apps/test_hostile_files.py::test_an_input_error_keeps_its_fields_and_its_arguments_as_parts"),
    ("posteriors/option_checks.py", "    if bool(bad.any()):", "    if False:", "posteriors/test_option_checks.py::test_exactly_the_rows_that_are_not_finite_are_named"),
    ("posteriors/option_checks.py", '    if value != "evidence" and not _is_positive(value):', "    if False:", "posteriors/test_option_checks.py::test_what_is_no_positive_number_is_refused"),
    ("posteriors/option_checks.py", "    if value not in choices:", "    if False:", "posteriors/test_option_checks.py::test_a_choice_is_refused_unless_it_is_one_of_them"),
    ("pools/memory.py", "    if outside.numel():", "    if False:", "pools/test_memory.py::test_rows_out_of_range_are_named"),
    ("session/invalid_keys.py", "raise ConfigurationError(text, argument=each[0].argument, got=", "raise ConfigurationError(text, got=", "study/config/test_study_files_read.py::test_wrong_study_is_refused_by_its_key_and_file"),
    ("datasets/pool_corruption.py", 'derive_seed(seed, "rare")', 'derive_seed(seed, "class_imbalance")', "study/running/test_assembler.py::test_a_corrupted_pool_is_bit_for_bit_that_of_the_stored_journals"),
    ("session/journal_file.py", "        folder = Path(os.path.abspath(folder))  # the program may change its folder while the journal is open\n", "", "session/test_journal_file.py::test_a_journal_stays_where_it_was_opened"),
    ("session/locks.py", "        path = Path(os.path.abspath(path))  # the program may change its folder while it holds the lock\n", "", "session/test_locks.py::test_a_lock_is_released_where_it_was_taken"),
    ("session/journal_file.py", "            self._check_untouched()\n", "            pass\n", "session/test_journal_file.py::test_a_journal_that_somebody_else_changed_while_it_is_open_is_refused_and_left_alone"),
    ("session/state.py", "        in_order = (*purposes, *self._superseded)", "        in_order = tuple(purposes)", "session/test_state.py::test_the_order_of_labels_does_not_depend_on_the_order_of_answers_whatever_was_superseded"),
    ("session/state.py", "                elif isinstance(event, Answered) and self._consensus is not majority:", "                elif False:", "session/test_session_arguments.py::test_a_consensus_that_returns_no_answer_to_the_row_is_refused_before_anything_is_stored"),
    ("session/answers.py", "        warnings.warn(InputWarning(text), stacklevel=3)", "        del text", "session/test_session.py::test_an_answer_that_comes_again_after_a_withdrawal_is_named_and_not_lost_in_silence"),
    ("session/answer_tables.py", "index = self._classes.get(label, self._stripped.get(label.strip()))", "index = self._stripped.get(label.strip())", "session/test_answer_tables.py::test_every_class_name_comes_back_as_its_class"),
    ("session/answer_tables.py", "        if twice := [name for name in names if name and names.count(name) > 1]:", "        if twice := []:", "session/test_answer_tables.py::test_a_column_that_comes_twice_is_named"),
    ("contracts/labels.py", "        if blank := [name for name in self.class_names if not str(name).strip()]:", "        if blank := []:", "session/test_answer_tables.py::test_a_task_has_no_blank_class_names"),
    ("session/session_arguments.py", "        if not fits(value):", "        if False:", "session/test_session_arguments.py::test_an_argument_of_a_wrong_kind_is_refused_by_name_and_nothing_is_written"),
    ("session/manifest.py", "        check_ranges(state, num_rows=num_rows, num_classes=num_classes, path=journal)", "        del num_rows, num_classes", "study/test_status.py::test_a_journal_of_foreign_data_is_a_failed_trial"),
    ("study/status.py", "key=trial.key)", ")", "study/test_status.py::test_a_folder_with_the_files_of_another_trial_is_a_failed_trial"),
    ("labelling/fold.py", "or target.person != event.person or", "or", "labelling/test_fold.py::test_nobody_undoes_what_another_person_said"),
    ("labelling/fold.py", '        elif event.kind == "reveal" or (event.uuid, event.person) not in self.undone:', "        else:", "labelling/test_fold.py::test_an_undo_that_arrives_first_still_counts"),
    ("labelling/class_events.py", "    if not classes[into].retired:", "    if True:", "labelling/test_fold.py::test_what_cannot_follow_is_refused_and_counts_for_nothing"),
    ("labelling/streams.py", " and group not in barred", "", "labelling/test_streams.py::test_groups_with_imported_labels_are_never_tests"),
    ("labelling/groups.py", "_split_large(_components(links), links.keys, limit)", "_components(links)", "labelling/test_groups.py::test_a_huge_group_falls_apart_into_copies_and_these_into_items"),
    ("labelling/sources/table.py", '    if "\\0" in text:', "    if False:", "labelling/sources/test_tables.py::test_damaged_lines_are_named_and_the_others_read"),
    ("labelling/sources/delimited.py", "    if len(cells) == len(columns):", "    if len(cells) >= len(columns):", "labelling/sources/test_tables.py::test_damaged_lines_are_named_and_the_others_read"),
    ("labelling/sources/vectors.py", "~np.isfinite(single)", "np.isnan(single)", "labelling/sources/test_vectors.py::test_rows_that_are_not_finite_are_named"),
    ("labelling/sources/folder_walk.py", "    if not target.is_relative_to(root):", "    if False:", "labelling/sources/test_images.py::test_what_is_no_image_has_a_reason_and_the_rest_is_read"),
    ("features/image_files.py", "    if width * height > MAX_PIXELS:", "    if False:", "labelling/sources/test_images.py::test_an_image_of_too_many_pixels_is_named_before_it_is_decoded"),
    ("features/cache.py", "        changed = (stored[: len(given)] != given).nonzero()[0].tolist()", "        changed = []", "features/test_cache.py::test_a_changed_or_reordered_pool_is_noticed"),
    ("features/cache.py", "        if state is None and done:", "        if False:", "features/test_cache.py::test_a_lost_state_is_not_learnt_anew_beside_old_features"),
    ("features/cache.py", "            if features.shape[1] != num_features:", "            if False:", "features/test_cache.py::test_vectors_of_another_length_are_refused"),
    ("features/cache.py", '            write_atomically(self._blocks / f"{start:09}.npz", buffer.getvalue())', '            make_folder(self._blocks), (self._blocks / f"{start:09}.npz").write_bytes(buffer.getvalue())', "features/test_cache.py::test_a_kill_at_any_file_loses_nothing_that_was_stored"),
    ("features/state.py", "        if hashlib.sha256(stored).hexdigest() != digest:", "        if False:", "features/test_state.py::test_arrays_of_another_state_are_refused"),
    ("features/method.py", "    bad = ~np.isfinite(features).all(1)", "    bad = np.zeros(len(features), bool)", "features/test_method.py::test_what_is_not_finite_in_float32_is_refused_with_its_rows"),
    ("features/image_files.py", "    if width * height > max_pixels:", "    if False:", "features/test_image_files.py::test_a_bomb_is_refused_before_it_is_decoded"),
    ("features/pretrained.py", "or not any(folder.glob(_WEIGHTS)):", "or False:", "features/test_text_encoder.py::test_a_folder_without_weights_is_refused"),
    ("features/tables.py", "    return np.stack([scaled, missing], axis=1)", "    return np.stack([scaled, 0 * missing], axis=1)", "features/test_tables.py::test_what_is_missing_is_the_mean_and_is_marked"),
    ("apps/web/security.py", "        if len(hosts) != 1 or hosts[0] not in self._hosts:", "        if len(hosts) != 1:", WEB + "test_a_foreign_host_is_refused_everywhere"),
    ("apps/web/security.py", "        if len(hosts) != 1 or hosts[0] not in self._hosts:", "        if hosts[0] not in self._hosts:", WEB + "test_two_hosts_or_two_origins_are_refused"),
    ("apps/web/security.py", "        if len(origins) > 1 or not {*origins} <=", "        if not {*origins[:1]} <=", WEB + "test_two_hosts_or_two_origins_are_refused"),
    ("apps/web/security.py", 'not {*origins} <= {f"http://{host}" for host in self._hosts}', 'not all(each.startswith("http://") for each in origins)', WEB + "test_a_foreign_origin_is_refused_everywhere"),
    ("apps/web/security.py", 'headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")', "False", WEB + "test_what_a_browser_calls_foreign_changes_nothing"),
    ("apps/web/security.py", "        if person is None:", "        if not cookie:", WEB + "test_a_wrong_cookie_is_refused"),
    ("apps/web/security.py", "        if _changes(scope) and not hmac.compare_digest(", "        if _changes(scope) and hmac.compare_digest(", WEB + "test_without_the_pages_token_nothing_changes"),
    ("apps/web/security.py", "        if total > most:", "        if False:", WEB + "test_a_long_body_is_refused_with_its_length_and_without"),
    ("apps/web/security.py", "        if _length(headers) > (most := self._max_body(scope)):", "        if (most := 0):", WEB + "test_a_length_that_is_none_is_refused"),
    ("apps/web/security.py", '        if scope["type"] == "websocket":', "        if False:", ATTACK + "test_a_websocket_is_closed_before_it_opens"),
    ("apps/web/security.py", '_OPEN = {"/healthz", "/launch"}', '_OPEN = {"/healthz", "/launch", "/api/search"}', ATTACK + "test_no_route_but_the_door_is_open"),
    ("apps/web/security.py", '_SAFE = {"GET", "HEAD"}', '_SAFE = {"GET", "HEAD", "POST"}', ATTACK + "test_no_route_changes_anything_without_the_pages_token"),
    ("apps/web/security.py", "        if len(hosts) != 1 or hosts[0] not in self._hosts:", '        if not hosts[0].endswith(":8123"):', ATTACK + "test_no_route_answers_to_a_name_that_an_attacker_bound_to_this_machine"),
    ("apps/web/security.py", 'not {*origins} <= {f"http://{host}" for host in self._hosts}', 'not all(each.startswith(f"http://{host}") for each in origins for host in self._hosts if "local" in host)', ATTACK + "test_no_route_answers_to_another_page"),
    ("apps/web/security.py", "        if total > most:", "        if False:", ATTACK + "test_a_body_without_an_end_is_refused"),
    ("apps/web/security.py", "    text = html.escape(reason)", "    text = reason", ATTACK + "test_a_refusal_shows_markup_as_text"),
    ("apps/web/security.py", "default-src 'self'; frame-ancestors 'none'", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'", ATTACK + "test_every_answer_forbids_what_is_not_of_this_server"),
    ("apps/web/security.py", "frame-ancestors 'none'; ", "", ATTACK + "test_every_answer_forbids_what_is_not_of_this_server"),
    ("apps/web/security.py", '    "X-Content-Type-Options": "nosniff",\n', "", ATTACK + "test_every_answer_forbids_what_is_not_of_this_server"),
    ("apps/web/security.py", "        send = _add_headers(send)\n", "", ATTACK + "test_no_route_but_the_door_is_open"),
    ("apps/web/pages.py", 'httponly=True, samesite="strict"', 'httponly=True, samesite="lax"', WEB + "test_a_launch_link_lets_one_browser_in_once"),
    ("apps/web/pages.py", "httponly=True, ", "", WEB + "test_a_launch_link_lets_one_browser_in_once"),
    ("apps/web/serving.py", 'HOST = "127.0.0.1"', 'HOST = "0.0.0.0"', ATTACK + "test_the_server_listens_on_this_machine_alone"),
    ("apps/web/serving.py", '        log_level="warning",\n        access_log=False,\n', '        log_level="info",\n', ATTACK + "test_no_secret_is_written_anywhere"),
    ("apps/web/security.py", "self._found = {}\n        return cookie", "return cookie", "tests/apps/web/test_security.py::test_a_new_cookie_takes_the_place_of_the_one_before"),
    ("apps/web/security.py", "self._store.add_person(person, hash_cookie(cookie))", "self._store.add_person(person, cookie)", ATTACK + "test_no_secret_is_written_anywhere"),
    ("apps/web/media.py", "        return item.content.encode(), \"text/plain; charset=utf-8\"", "        return item.content.encode(), \"text/html\"", ATTACK + "test_no_page_holds_the_script_of_a_text_a_class_or_a_file"),
    ("apps/web/media.py", "        return item.content.encode(), \"text/plain; charset=utf-8\"", "        return __import__(\"requests\").get(item.content, timeout=1).content if item.content[:4] == \"http\" else item.content.encode(), \"text/plain\"", ATTACK + "test_no_address_in_a_text_a_class_or_the_guideline_is_fetched"),
    ("labelling/item_images.py", "    if hashlib.sha256(content).hexdigest() != item.hash:", "    if False:", ATTACK + "test_what_takes_the_place_of_an_image_is_not_served_and_holds_nothing_up[link]"),
    ("labelling/sources/folder_walk.py", "    if not target.is_relative_to(root):", "    if not str(target).startswith(str(root)):", "labelling/sources/test_images.py::test_what_is_no_image_has_a_reason_and_the_rest_is_read"),
    ("spreadsheet.py", """ if _FORMULA.match(text) else text""", " if False else text", "test_spreadsheet.py"),
    ("apps/web/security.py", "            return self._people.pop(token, None)", "            return self._people.get(token)", WEB + "test_a_launch_link_lets_one_browser_in_once"),
    ("apps/web/security.py", "separators=(\",\", \":\")).encode()", "ensure_ascii=False).encode()", WEB + "test_a_reason_that_no_encoding_holds_is_still_an_answer"),
    ("labelling/postgresql.py", "            sa.event.listen(engine, \"begin\", lambda connection: connection.exec_driver_sql(_TAKE_TURN))\n", "            pass\n", SERVER + "test_one_transaction_writes_at_a_time_so_that_no_reader_misses_an_event"),
    ("labelling/postgresql.py", "        if is_made or not is_ours:", "        if is_made:", SERVER + "test_a_second_init_at_the_same_moment_is_refused_and_harms_nothing"),
    ("labelling/postgresql.py", "if is_unfinished or not _has_items(connection)", "if not _has_items(connection)", SERVER + "test_an_init_that_ends_after_its_items_came_can_be_run_again"),
    ("labelling/postgresql.py", "    if parsed is not None and parsed.password is not None:", "    if False:", SERVER + "test_an_address_is_kept_without_its_password"),
    ("labelling/postgresql.py", "path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)", "path.stat().st_mode & 0", SERVER + "test_the_password_is_found_as_postgresqls_own_programs_find_it"),
    ("labelling/event_append.py", '        if isinstance(value, str) and "\\0" in value:', "        if False:", "labelling/test_event_append.py::test_one_refused_event_leaves_those_beside_it"),
    ("apps/web/security.py", '        return self._backend_path != "" and hmac.compare_digest(found, wanted)', "        return True", STUDIO + "test_the_secret_opens_nothing_else"),
    ("apps/web/security.py", "        return MAX_BACKEND_BODY if self._is_backend(scope) else MAX_BODY", "        return MAX_BACKEND_BODY", STUDIO + "test_label_studio_may_send_more_than_a_page_and_not_everything"),
    ("labelling/label_studio/connection.py", "0o600)", "0o644)", STUDIO + "test_the_token_is_in_a_file_of_its_owner_and_nowhere_else"),
    ("labelling/label_studio/connection.py", "        if not isinstance(token, str) or not _TOKEN.fullmatch(token):", "        if not isinstance(token, str):", STUDIO + "test_a_setup_that_is_none_is_refused_and_shows_no_token"),
    ("labelling/label_studio/connection.py", 'token: str = field(default="", repr=False)', 'token: str = ""', STUDIO + "test_the_token_is_in_a_file_of_its_owner_and_nowhere_else"),
    ("labelling/label_studio/client.py", "allow_redirects=False", "allow_redirects=True", PUSHED + "test_an_answer_that_is_none_is_an_error_without_the_token_and_is_tried_again"),
    ("labelling/label_studio/synchroniser.py", '        is_blind = item is None or self._project.store.streams()[item] != "train"', "        is_blind = item is None", STUDIO + "test_what_measures_is_never_shown_whatever_the_page_did"),
    ("labelling/label_studio/annotations.py", "            if any(row.uuid == made.uuid for row in states):\n                return\n", "", STUDIO + "test_an_old_state_that_comes_late_changes_nothing"),
    ("labelling/item_lookup.py", "        if self._images.setdefault(number, path) != path:", "        if False:", "labelling/other_tools/test_other_tools.py::test_two_paths_are_never_one_image"),
    ("labelling/export/hugging_face.py", "    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):", "    if False:", "labelling/test_hugging_face.py::test_a_folder_that_holds_something_stays_as_it_is"),
    ("apps/web/media.py", "        return encode_image(read_image(read_item_image(project, item)), max_side=MAX_SIDE)", '        return project.image_path(item).read_bytes(), "image/png"', "apps/web/test_app.py::test_an_image_that_is_also_a_page_comes_as_an_image_alone"),
    ("apps/web/pages.py", "        if name not in STATIC:", "        if False:", WEB + "test_no_path_leads_out"),
    ("apps/web/item_routes.py", '"private, no-cache"', '"private, max-age=86400"', "apps/web/test_app.py::test_the_content_of_a_text_is_plain_text_that_is_asked_for_again_each_time"),
    ("labelling/claims.py", '    _other.c.stream == parameter("from_stream"),', '    (_other.c.stream == parameter("from_stream")) | sa.true(),', "apps/web/test_tools.py::test_only_open_items_of_the_training_stream_can_be_picked"),
    ('labelling/claims.py', 'item.c.open > 0, ~_is_held)', 'item.c.open > 0, _which != _who)', 'labelling/test_split.py::test_an_old_label_is_undone_while_the_person_holds_its_item_again'),
    ('labelling/item_search.py', '_is_visible = (item.c.stream == "train") | _has_answered', '_is_visible = _has_answered | sa.true()', 'apps/web/test_tools.py::test_no_search_shows_an_item_that_measures_unless_the_person_answered_it'),
    ('labelling/item_search.py', ' & has_all_labels(item))', ')', 'apps/web/test_tools.py::test_answers_of_others_are_hidden_from_those_who_are_still_to_label_the_item'),
    ('labelling/disputes.py', 'has_all_labels(item) | _has_answered', '_has_answered | sa.true()', 'apps/web/test_tools.py::test_whoever_is_still_to_label_an_item_sees_no_dispute_about_it'),
    ('labelling/finder.py', '        if next(self._store.items([item])).stream != "train":', '        if next(self._store.items([item])).id != item:', 'apps/web/test_tools.py::test_nothing_is_chosen_by_its_likeness_to_an_item_that_measures'),
    ('labelling/finder.py', '        self._store.append(person, reveals)\n', '', 'apps/web/test_tools.py::test_what_a_grid_showed_is_recorded_also_where_it_is_not_labelled'),
    ('labelling/event_append.py', '    if lease is not None and lease.view == "grid" and each.kind == "label":', '    if False:', 'apps/web/test_tools.py::test_labels_from_a_grid_say_so_whatever_the_browser_says'),
    ('labelling/answer_effects.py', ' if not row.split}', '}', 'labelling/test_split.py::test_what_is_undone_after_a_split_does_not_bring_the_old_label_back'),
    ("labelling/desk.py", '        if next(self.store.items([item])).stream in ("audit", "excluded"):', "        if False:", "apps/web/test_app.py::test_an_audit_is_blind"),
    ("labelling/desk.py", "        self._lock = project.hold()", "        self._lock = project.store", "labelling/test_supervise.py::test_two_desks_of_one_project_are_refused_by_the_name_of_the_holder"),
    ("labelling/project.py", "        except DataError:  # no answer is lost for it", "        except ZeroDivisionError:", "apps/web/test_app.py::test_a_prediction_that_cannot_be_read_loses_no_label"),
    ("labelling/project.py", "        except DataError:  # its files are damaged: a new one takes their place", "        except ZeroDivisionError:", TRAINER + "test_where_the_files_of_an_epoch_are_damaged_the_next_round_mends_them"),
    ("labelling/trainer.py", "    except DataError:  # the epoch of this round takes its place", "    except ZeroDivisionError:", TRAINER + "test_where_the_files_of_an_epoch_are_damaged_the_next_round_mends_them"),
    ("labelling/training_round.py", "    if not has_labels and len(excluded | given.labels.keys()) == len(pool):", "    if False:", TRAINER + "test_a_project_whose_training_items_all_were_skipped_has_an_empty_queue"),
    ("labelling/project.py", "        with self.hold():\n", "        if True:\n", TRAINER + "test_one_process_trains_at_a_time"),
    ("labelling/item_images.py", "    if hashlib.sha256(content).hexdigest() != item.hash:", "    if False:", "apps/web/test_app.py::test_another_file_of_the_same_name_is_not_served_in_the_place_of_an_image"),
    ("features/cache.py", "            if self._read_checksums().get(str(joined)) != _file_sha256(path):", "            if False:", "features/test_cache.py::test_flipped_bytes_of_the_features_are_noticed_wherever_they_are"),
    ("labelling/snapshot.py", '        return label.origin != "import"', "        return True", "labelling/test_kept_apart.py::test_labels_that_come_to_test_groups_neither_train_nor_measure"),
    ("labelling/snapshot.py", '    if stream == "excluded":', "    if False:", "labelling/test_audit.py::test_labels_that_come_to_excluded_items_are_not_trained_on"),
    ("labelling/answer_effects.py", '    .where((item.c.stream == "train") | ~_is_imported)', "    .where(True)", "labelling/test_kept_apart.py::test_an_imported_label_keeps_no_test_item_from_being_served_and_measured"),
    ("labelling/additions.py", "item.c.grp.in_(audited)", "sa.false()", "labelling/test_audit.py::test_an_audit_that_begins_while_items_are_added_keeps_them_from_training"),
    ("labelling/streams.py", '"excluded" if stream == "audit" else stream', "stream", "labelling/test_audit.py::test_what_comes_to_an_audits_group_is_excluded_and_to_others_as_they_are"),
    ("labelling/audit_records.py", "    | sa.exists().where(event.c.item == item.c.id)\n", "", "labelling/test_audit.py::test_a_group_that_ever_had_an_event_is_not_fresh"),
    ("labelling/audit_records.py", "_RUNNING = sa.select(audit).where(audit.c.closed_seq.is_(None))", "_RUNNING = sa.select(audit).order_by(audit.c.number.desc()).limit(1)", "labelling/test_audit.py::test_the_newest_model_at_the_last_answer_judges_and_no_later_one"),
    ("labelling/audit_verdict.py", "        if (each.seq or 0) <= last and (", "        if (", "labelling/test_audit.py::test_what_people_say_after_the_verdict_does_not_change_it"),
    ("labelling/simulated_person.py", 'client.me["num_labels"], time.monotonic()', "0, time.monotonic()", "labelling/test_simulated_person.py::test_it_labels_until_the_project_has_so_many_of_its_labels"),
    ("labelling/audit.py", "*store.items_on_lease(), ", "", "labelling/test_audit.py::test_fresh_items_alone_are_drawn_and_come_first"),
    ("labelling/status.py", " and given.count(found.class_id) < 2", "", "labelling/test_left_out.py::test_a_label_that_is_given_again_is_suspect_no_more"),
    ("labelling/status.py", "        reads.read_last_seq(connection),\n", "", "labelling/test_left_out.py::test_a_reader_says_the_same_as_one_that_reads_anew"),
    ("labelling/labels_saved.py", "num_test < MIN_LABELS or ", "", "labelling/test_labels_saved.py::test_few_test_labels_estimate_nothing"),
    ("apps/web/status_page.py", "    autoescape=True,", "    autoescape=False,", "apps/web/test_dashboard.py::test_nothing_is_a_script_or_a_style_and_nothing_comes_from_elsewhere"),
    ("apps/notebook/widget.py", "        self._closing.enter_context(desk)\n", "", "apps/notebook/test_widget.py::test_a_widget_takes_the_place_of_the_one_before"),
    ("apps/notebook/widget.py", "        _open.pop(folder).close()", "        pass", "apps/notebook/test_widget.py::test_a_widget_takes_the_place_of_the_one_before"),
    ("apps/notebook/documents.py", 'texts["transport.js"] =', 'texts["other.js"] =', "apps/notebook/test_documents.py::test_only_the_transport_makes_requests"),
    ("apps/notebook/in_process.py", "            pool.submit(asyncio.run, run()).result()", "            asyncio.run(run())", "apps/notebook/test_in_process.py::test_it_answers_while_an_event_loop_runs_in_the_same_thread"),
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
