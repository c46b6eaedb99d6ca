import pytest
import torch
from joint_fakes import certain, context_of, information_by_loops, linear_model, random_log_probs

from lindley.acquisition import acquisition_named
from lindley.acquisition.epig import epig_scores
from lindley.errors import InputError
from lindley.information import bald


@pytest.mark.parametrize("chunk_rows", [1, 4, 100])
def test_scores_equal_plain_loops_in_every_chunking(chunk_rows):
    log_probs = random_log_probs(0, 12, 5, 3)
    rows, targets = log_probs[:8], log_probs[8:]
    expected = [
        sum(information_by_loops(row, target) for target in targets.exp().tolist()) / 4 for row in rows.exp().tolist()
    ]
    assert epig_scores(context_of(rows, targets, chunk_rows=chunk_rows)).tolist() == pytest.approx(expected, abs=1e-12)


def test_the_batch_is_of_the_largest_scores():
    log_probs = linear_model(1, 90, 20, 4)
    context = context_of(log_probs[:60], log_probs[60:], rows=torch.arange(100, 160))
    selection = acquisition_named("epig")(context, 5, seed=0)
    assert selection.rows.tolist() == (epig_scores(context).topk(5).indices + 100).tolist()


def test_it_selects_what_matters_at_the_targets_where_bald_selects_what_differs_most():
    # The first row settles the target's question, with noise; the second settles another one, without.
    about_target = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]], dtype=torch.float64).log()[None]
    candidates = torch.cat([about_target, certain([[0, 1, 0, 1]])])
    context = context_of(candidates, certain([[0, 0, 1, 1]]))
    assert acquisition_named("epig")(context, 1, seed=0).rows.tolist() == [0]
    assert bald(candidates).argmax().item() == 1


def test_targets_of_other_draws_and_damaged_targets_are_refused():
    log_probs = linear_model(2, 20, 6, 3)
    with pytest.raises(InputError) as caught:
        epig_scores(context_of(log_probs, log_probs[:5], draws_id="others"))
    assert (caught.value.argument, caught.value.got) == ("targets", "others")
    targets = log_probs[:5].clone()
    targets[3, 1, 0] = torch.nan
    with pytest.raises(InputError) as caught:
        epig_scores(context_of(log_probs, targets))
    assert caught.value.rows == (3,)
