"""One round: what it fits, chooses and measures, and what it never does."""

from dataclasses import replace

import jaxtyping
import pytest
import torch

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Labels, Selection
from lindley.errors import InputError
from lindley.session.rounds import Observation, RoundLabels, run_round


@pytest.fixture
def labels(classes):
    rows = torch.tensor([5, 0, 7])
    return Labels(rows, classes[rows])


def look_into(views):
    """An observer that keeps the views that it is given."""
    return {"look": lambda view: views.append(view) or Observation()}


def known(labels, *, validation=None, others=()):
    """What is known of these labels, of validation labels, and of other rows, which are of none of the classes."""
    rows = torch.cat([labels.rows, torch.tensor(others, dtype=torch.int64)])
    taken = rows if validation is None else torch.cat([rows, validation.rows])
    return RoundLabels(labels, validation, rows, taken, len(taken))


def test_a_round_chooses_unlabelled_rows(settings, pool, labels):
    result = run_round(settings, pool, known(labels), {}, index=0, batch_size=4)
    assert result.selection.rows.unique().numel() == 4
    assert not torch.isin(result.selection.rows, labels.rows).any()
    assert result.num_labels == 3


def test_bald_chooses_the_rows_with_the_largest_mutual_information(settings, pool, labels):
    views = []
    result = run_round(settings, pool, known(labels), look_into(views), index=0, batch_size=4)
    probs = torch.cat(list(scan_log_probs(views[0].candidates))).double().exp()
    mean = probs.mean(1)
    information = -(mean * mean.log()).sum(1) + (probs * probs.log()).sum(2).mean(1)
    best = views[0].candidates.rows[information.argsort(descending=True)[:4]]
    assert result.selection.rows.tolist() == best.tolist()


def test_the_last_round_fits_and_asks_for_nothing(settings, pool, labels):
    result = run_round(settings, pool, known(labels), {}, index=0, batch_size=0)
    assert result.selection is None
    assert result.seconds["predict"] == 0.0


def test_rows_of_none_of_the_classes_are_counted_and_no_candidates(settings, pool, labels):
    views = []
    looking = {"look": lambda view: views.append(view) or Observation()}
    result = run_round(settings, pool, known(labels, others=[9, 20]), looking, index=0, batch_size=0)
    assert result.num_labels == views[0].num_labels == 5
    assert views[0].round_labels.labelled_rows.tolist() == [5, 0, 7, 9, 20]
    assert not torch.isin(torch.tensor([5, 0, 7, 9, 20]), views[0].candidates.rows).any()
    assert views[0].candidates.rows.numel() == 55
    plain = run_round(settings, pool, known(labels), looking, index=0, batch_size=0)
    assert plain.num_labels == 3
    assert torch.equal(views[0].draws.means, views[1].draws.means)  # the same fit as without them


def test_a_round_without_any_label_is_refused(settings, pool):
    none = Labels(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    with pytest.raises(InputError) as caught:
        run_round(settings, pool, known(none, others=[9, 20]), {}, index=2, batch_size=1)
    assert (caught.value.argument, caught.value.rows) == ("labels", (9, 20))


def test_random_never_runs_the_model_over_the_pool(settings, pool, labels):
    views = []
    random = replace(settings, acquisition=acquisition_named("random"))
    result = run_round(random, pool, known(labels), look_into(views), index=0, batch_size=4)
    assert views[0].draws.batch_sizes == []
    assert result.seconds["predict"] == 0.0
    assert result.selection.rows.numel() == 4


def test_seconds_of_prediction_are_not_part_of_selection(settings, pool, labels):
    result = run_round(settings, pool, known(labels), {}, index=0, batch_size=4)
    assert result.seconds["predict"] > 0
    assert set(result.seconds) == {"fit", "predict", "select", "observe"}
    assert all(value >= 0 for value in result.seconds.values())


def test_a_round_says_how_its_draws_were_computed_where_they_do(settings, pool, labels, monkeypatch):
    views = []
    look = {"look": lambda view: views.append(view) or Observation()}
    silent = run_round(settings, pool, known(labels), look, index=0, batch_size=4)
    assert silent.compute_path == ""
    monkeypatch.setattr(type(views[0].draws), "path", "folded", raising=False)
    assert run_round(settings, pool, known(labels), {}, index=0, batch_size=4).compute_path == "folded"


def test_the_same_round_gives_the_same_rows_and_another_seed_others(settings, pool, labels):
    first, again = (run_round(settings, pool, known(labels), {}, index=1, batch_size=4).selection for _ in range(2))
    other = run_round(replace(settings, seed=4), pool, known(labels), {}, index=1, batch_size=4).selection
    assert first.rows.tolist() == again.rows.tolist()
    assert first.scores.tolist() == again.scores.tolist()
    assert first.scores.tolist() != other.scores.tolist()


def test_the_first_fit_does_not_depend_on_the_acquisition(settings, pool, labels):
    views = []
    for name in ("random", "bald"):
        run_round(
            replace(settings, acquisition=acquisition_named(name)),
            pool,
            known(labels),
            {"look": lambda view: views.append(view) or Observation()},
            index=0,
            batch_size=4,
        )
    assert torch.equal(views[0].draws.means, views[1].draws.means)


def test_a_round_may_be_limited_to_a_subset_of_candidates(settings, pool, labels):
    views = []
    limited = replace(settings, candidates=20)
    result = run_round(limited, pool, known(labels), look_into(views), index=0, batch_size=4)
    assert views[0].candidates.shape[0] == 20
    assert torch.isin(result.selection.rows, views[0].candidates.rows).all()


def test_seconds_of_targets_count_as_prediction(settings, pool, labels):
    epig = replace(settings, acquisition=acquisition_named("epig"), requires=frozenset({"targets"}), num_targets=5)
    result = run_round(epig, pool, known(labels), {}, index=0, batch_size=4)
    assert result.selection.rows.unique().numel() == 4
    assert set(result.seconds) == {"fit", "predict", "select", "observe"}
    assert result.seconds["predict"] > 0


def test_unknown_parts_and_numbers_of_targets_are_refused(settings):
    with pytest.raises(InputError) as caught:
        replace(settings, requires=frozenset({"target"}))
    assert (caught.value.argument, caught.value.got) == ("requires", ["target"])
    with pytest.raises(InputError) as caught:
        replace(settings, num_targets=0)
    assert (caught.value.argument, caught.value.got) == ("num_targets", 0)


def test_each_stage_is_reported_in_order(settings, pool, labels):
    stages = []
    run_round(settings, pool, known(labels), {}, index=0, batch_size=4, on_stage=stages.append)
    assert stages == ["fit", "select", "observe"]


def test_a_batch_larger_than_the_candidates_is_refused(settings, pool, labels):
    with pytest.raises(InputError) as caught:
        run_round(settings, pool, known(labels), {}, index=0, batch_size=58)
    # golden message
    assert str(caught.value) == (
        "batch_size must be at most 57, the number of candidates in round 0; got 58. Lower it, or let more rows be "
        "candidates."
    )


@pytest.mark.parametrize("rows", [[5, 1], [1, 1], [1]], ids=["labelled", "twice", "too few"])
def test_an_acquisition_that_returns_wrong_rows_is_refused(settings, pool, labels, rows):
    def wrong(context, batch_size, *, seed):
        return Selection(torch.tensor(rows), torch.zeros(len(rows)))

    with pytest.raises(InputError) as caught:
        run_round(replace(settings, acquisition=wrong), pool, known(labels), {}, index=0, batch_size=2)
    assert (caught.value.argument, caught.value.got) == ("rows", rows)
    assert caught.value.rows == tuple(row for row in rows if row in labels.rows)


@pytest.mark.parametrize(
    ("scores", "rows"), [([0.0, 1.0, 2.0], ()), ([0.0, torch.inf], (2,))], ids=["another number", "infinite"]
)
def test_scores_that_no_journal_could_keep_are_refused(settings, pool, labels, scores, rows):
    def scored(context, batch_size, *, seed):
        return Selection(torch.tensor([1, 2]), torch.tensor(scores))

    with pytest.raises(InputError) as caught:
        run_round(replace(settings, acquisition=scored), pool, known(labels), {}, index=0, batch_size=2)
    assert (caught.value.argument, caught.value.rows) == ("scores", rows)


def test_the_compute_path_is_text_whatever_a_user_keeps_there(settings, pool, labels, learner):
    class Keeping:
        def fit(self, data, **given):
            posterior = learner.fit(data, **given)
            posterior.setting = "not a mapping"
            return posterior

    result = run_round(replace(settings, learner=Keeping()), pool, known(labels), {}, index=0, batch_size=2)
    assert (result.compute_path, result.hyperparameters) == ("", {})


def test_what_stops_a_fit_is_neither_a_candidate_nor_a_target(settings, pool, labels):
    seen = []

    def watched(context, batch_size, *, seed):
        seen.append(torch.cat([context.candidates.rows, context.targets.rows]))
        return Selection(context.candidates.rows[:batch_size], torch.zeros(batch_size))

    rows = torch.arange(20, 40)
    watching = replace(settings, acquisition=watched, requires=frozenset({"targets"}), num_targets=1000)
    run_round(watching, pool, known(labels, validation=Labels(rows, rows % 3)), {}, index=0, batch_size=2)
    assert not torch.isin(seen[0], rows).any()
    assert len(seen[0]) == 2 * (len(pool) - len(labels) - len(rows))


def test_what_is_called_like_no_acquisition_is_refused_with_the_way_out(settings, pool, labels):
    with pytest.raises(InputError) as caught:
        run_round(
            replace(settings, acquisition=lambda log_probs: log_probs), pool, known(labels), {}, index=0, batch_size=2
        )
    assert caught.value.argument == "acquisition"
    assert "top_k(score)" in str(caught.value)


def test_what_returns_no_selection_is_refused(settings, pool, labels):
    def scores(context, batch_size, *, seed):
        return torch.zeros(2)

    with pytest.raises(InputError) as caught:
        run_round(replace(settings, acquisition=scores), pool, known(labels), {}, index=0, batch_size=2)
    assert caught.value.got == "Tensor"


def test_a_selection_of_lists_is_refused(settings, pool, labels, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as in use

    def listed(context, batch_size, *, seed):
        return Selection([1, 2], [0.0, 0.0])

    with pytest.raises(InputError) as caught:
        run_round(replace(settings, acquisition=listed), pool, known(labels), {}, index=0, batch_size=2)
    assert caught.value.got == "list and list"


@pytest.mark.parametrize("value", [float("nan"), torch.zeros(1)])
def test_what_no_journal_could_keep_of_a_choice_is_refused_by_name(settings, pool, labels, value, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as in use

    def talkative(context, batch_size, *, seed):
        return Selection(torch.tensor([1, 2]), torch.zeros(2), {"weight": value})

    with pytest.raises(InputError) as caught:
        run_round(replace(settings, acquisition=talkative), pool, known(labels), {}, index=0, batch_size=2)
    assert caught.value.argument == "diagnostics['weight']"
    assert caught.value.got is value


def test_validation_rows_without_any_label_are_refused(settings, pool, labels):
    none = Labels(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    with pytest.raises(InputError) as caught:
        run_round(settings, pool, known(labels, validation=none), {}, index=0, batch_size=2)
    assert caught.value.argument == "validation"
