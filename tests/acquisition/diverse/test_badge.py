import pytest
import torch
from diverse_fakes import context_of, random_log_probs, random_points

from lindley.acquisition.diverse.badge import badge
from lindley.noise import row_uniforms


def gradients(features, log_probs):
    """The embeddings written out, [N, C·D]: the last layer's gradient with the likeliest class as label."""
    average = log_probs.exp().mean(1)
    embeddings = []
    for point, probs in zip(features, average, strict=True):
        weights = torch.zeros(len(probs), len(point), dtype=torch.float64, requires_grad=True)
        # Logits weights @ point + offset have the prediction as their softmax where the weights are 0.
        loss = torch.nn.functional.cross_entropy((weights @ point + probs.log())[None], probs.argmax()[None])
        embeddings.append(torch.autograd.grad(loss, weights)[0].flatten())
    return torch.stack(embeddings)


def seeded(embeddings, batch_size, seed):
    """k-means++ on the written-out embeddings, with the same noise."""
    picks = [int(embeddings.norm(dim=1).argmax())]
    scores = [float(embeddings[picks[0]].norm())]
    while len(picks) < batch_size:
        squared = torch.stack([(embeddings - embeddings[p]).square().sum(1) for p in picks]).amin(0)
        uniform = row_uniforms(torch.arange(len(embeddings)), seed, "badge", len(picks))
        race = -torch.log(uniform) / squared  # exponentials with rates D²: the earliest is drawn in proportion to D²
        race[picks] = torch.inf
        picks.append(int(race.argmin()))
        scores.append(float(squared[picks[-1]].sqrt()))
    return picks, scores


@pytest.mark.parametrize("seed", range(10))
def test_the_choice_is_k_means_plus_plus_on_the_written_out_gradients(seed):
    features, log_probs = random_points(30, 4, seed), random_log_probs(30, num_classes=3, seed=seed)
    selection = badge(context_of(features, log_probs=log_probs), 10, seed=seed)
    picks, scores = seeded(gradients(features, log_probs), 10, seed)
    assert selection.rows.tolist() == picks
    assert selection.scores.tolist() == pytest.approx(scores, abs=1e-10)


def test_rows_are_drawn_in_proportion_to_their_squared_distance():
    features, log_probs = random_points(6, 3), random_log_probs(6)
    embeddings = gradients(features, log_probs)
    squared = (embeddings - embeddings[embeddings.norm(dim=1).argmax()]).square().sum(1)
    second = torch.stack([badge(context_of(features, log_probs=log_probs), 2, seed=s).rows[1] for s in range(3000)])
    expected = 3000 * squared / squared.sum()
    error = (second.bincount(minlength=6) - expected).abs()
    assert (error <= 4.5 * (expected * (1 - squared / squared.sum())).sqrt()).all()


def test_the_first_pick_is_the_same_for_every_seed_and_the_others_are_not():
    context = context_of(random_points(50, 4), log_probs=random_log_probs(50))
    chosen = [badge(context, 5, seed=seed).rows.tolist() for seed in range(5)]
    assert len({rows[0] for rows in chosen}) == 1
    assert len({tuple(rows) for rows in chosen}) == 5


def test_a_duplicate_is_taken_only_when_nothing_else_is_left():
    features, log_probs = random_points(8, 3).repeat(2, 1), random_log_probs(8).repeat(2, 1, 1)
    for seed in range(20):
        selection = badge(context_of(features, log_probs=log_probs), 16, seed=seed)
        assert set((selection.rows[:8] % 8).tolist()) == set(range(8))
        assert (selection.scores[:8] > 0).all()
        assert (selection.scores[8:] == 0).all()


def test_labelled_rows_make_no_difference():
    features, log_probs = random_points(20, 3), random_log_probs(20)
    first = badge(context_of(features, log_probs=log_probs), 5, seed=0)
    second = badge(context_of(features, features[:4], log_probs=log_probs), 5, seed=0)
    assert first.rows.tolist() == second.rows.tolist()
