from itertools import pairwise

import pytest
import torch
from diverse_fakes import context_of, random_log_probs, random_points

from lindley.acquisition.diverse.bait import bait
from lindley.acquisition.diverse.fisher import TraceObjective, total_information
from lindley.errors import InputError


def information(point, probs):
    """The Fisher information of one row, written out from its definition: E_y of the score's outer product."""
    total = torch.zeros(len(probs) * len(point), len(probs) * len(point), dtype=torch.float64)
    for label, prob in enumerate(probs):
        score = torch.kron(torch.nn.functional.one_hot(torch.tensor(label), len(probs)).double() - probs, point)
        total += prob * torch.outer(score, score)
    return total


def linear_problem(num_rows, num_labelled, num_features, num_classes, seed=0):
    """Features and one draw of a softmax layer on them, whose predictions a linear fit reads off exactly."""
    points = random_points(num_rows + num_labelled, num_features, seed)
    weights = random_points(num_features, num_classes, seed + 50)
    probs = (points @ weights).softmax(1)
    return points[:num_rows], points[num_rows:], probs[:num_rows], probs[num_rows:]


def plain_bait(features, probs, labelled, labelled_probs, batch_size, regularisation):
    """The greedy choice by explicit inverses: 2B added, B taken away, the rest put in greedy order."""
    total = len(labelled) + batch_size
    each = [information(x, p) * batch_size / total for x, p in zip(features, probs, strict=True)]
    known = sum((information(x, p) for x, p in zip(labelled, labelled_probs, strict=True)), torch.zeros_like(each[0]))
    fisher = (sum(each) * total / batch_size + known) / (len(features) + len(labelled))
    start = regularisation * torch.eye(len(known)).double() + known / total

    def trace(chosen):
        return float(
            (torch.linalg.inv(start + sum((each[i] for i in chosen), torch.zeros_like(start))) @ fisher).trace()
        )

    def greedy(among, count):
        chosen = []
        while len(chosen) < count:
            chosen.append(min((i for i in among if i not in chosen), key=lambda i: trace([*chosen, i])))
        return chosen

    chosen = greedy(range(len(features)), min(2 * batch_size, len(features)))
    while len(chosen) > batch_size:
        chosen.remove(min(chosen, key=lambda i: trace([j for j in chosen if j != i])))
    order = greedy(chosen, batch_size)
    traces = [trace(order[:count]) for count in range(batch_size + 1)]
    return order, [before - after for before, after in pairwise(traces)], traces


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("num_labelled", "regularisation"), [(0, 1.0), (4, 1.0), (4, 0.01)])
def test_the_choice_is_that_of_explicit_inverses(seed, num_labelled, regularisation):
    features, labelled, probs, labelled_probs = linear_problem(14, num_labelled, 3, 3, seed)
    context = context_of(features, labelled, probs.log()[:, None])
    selection = bait(context, 4, seed=0, regularisation=regularisation)
    order, reductions, traces = plain_bait(features, probs, labelled, labelled_probs, 4, regularisation)
    assert selection.rows.tolist() == order
    assert selection.scores.tolist() == pytest.approx(reductions, abs=1e-8)
    assert selection.diagnostics["trace_before"] == pytest.approx(traces[0], abs=1e-8)
    assert selection.diagnostics["trace_after"] == pytest.approx(traces[-1], abs=1e-8)
    assert selection.diagnostics["labelled_fit"] == pytest.approx(1.0)


def test_draws_are_averaged_before_anything_else():
    features, log_probs = random_points(12, 3), random_log_probs(12, num_draws=5)
    average = log_probs.exp().mean(1, keepdim=True).log()
    first = bait(context_of(features, log_probs=log_probs), 3, seed=0)
    second = bait(context_of(features, log_probs=average), 3, seed=0)
    assert first.rows.tolist() == second.rows.tolist()


def test_total_information_is_the_sum_of_the_definition():
    features, _, probs, _ = linear_problem(9, 0, 4, 3)
    expected = sum(information(x, p) for x, p in zip(features, probs, strict=True))
    assert torch.allclose(total_information(features, probs), expected, atol=1e-12)


def test_rows_that_enter_and_leave_again_change_nothing():
    features, _, probs, _ = linear_problem(9, 0, 3, 3)
    fisher = total_information(features, probs) / 9
    state = TraceObjective(features, probs, weight=0.5, inverse=torch.eye(9).double() * 2, fisher=fisher)
    before, value = state.reductions(1), state.value
    for position, sign in [(3, 1), (5, 1), (3, 1), (5, -1), (3, -1), (3, -1)]:
        promised = state.value - float(state.reductions(sign)[position])
        state.update(position, sign)
        assert state.value == pytest.approx(promised, abs=1e-9)
    assert state.value == pytest.approx(value, abs=1e-9)
    assert torch.allclose(state.reductions(1), before, atol=1e-9)


def test_all_components_are_as_good_as_none_and_fewer_are_those_of_the_largest_features():
    features, labelled, probs, _ = linear_problem(20, 5, 4, 3)
    context = context_of(features, labelled, probs.log()[:, None])
    whole = bait(context, 4, seed=0)
    assert bait(context, 4, seed=0, num_components=4).rows.tolist() == whole.rows.tolist()
    padded = torch.cat([features, 1e-9 * random_points(20, 3, seed=9)], 1)
    known = torch.cat([labelled, 1e-9 * random_points(5, 3, seed=8)], 1)
    fewer = bait(context_of(padded, known, probs.log()[:, None]), 4, seed=0, num_components=4)
    assert fewer.rows.tolist() == whole.rows.tolist()


def test_too_many_dimensions_are_refused_with_the_number_that_fits():
    context = context_of(random_points(9, 1400))
    with pytest.raises(InputError) as caught:
        bait(context, 2, seed=0)
    assert "Pass num_components=1365 " in str(caught.value)  # golden message: it says what fits
    assert (caught.value.argument, caught.value.got) == ("num_components", 1400)
    assert len(bait(context, 2, seed=0, num_components=4).rows) == 2


def test_the_fit_is_poor_for_predictions_that_no_layer_makes():
    features = random_points(60, 2)
    assert bait(context_of(features, random_points(3, 2, seed=1)), 2, seed=0).diagnostics["labelled_fit"] < 0.3
