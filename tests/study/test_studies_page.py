"""docs/studies.md says what the models are, key by key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from lindley.datasets.catalogue import DATASETS
from lindley.networks.catalogue import NETWORKS
from lindley.posteriors.catalogue import POSTERIORS
from lindley.study.config.errors import EXPERIMENT_KEYS, STUDY_KEYS
from lindley.study.config.schema import TABLES
from lindley.study.config.study_files import builtin_studies, load_study

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"


def section(heading: str) -> str:
    """The page from this heading to the next."""
    found = re.search(rf"^### `?{re.escape(heading)}`?\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"docs/studies.md has no section {heading}"
    return found.group(1)


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of a section's table by their first cell."""
    lines = [line.strip("|").split(" | ") for line in section(heading).splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells] for cells in lines}


def test_page_says_how_many_seeds_a_packaged_study_has():
    said = re.findall(r"^\| `([\w-]+)` \| .*; (\d+) seeds \|$", PAGE.read_text(), re.MULTILINE)
    assert len(said) > 5
    assert [(name, {experiment.seeds for experiment in load_study(name).experiments}) for name, _ in said] == [
        (name, {int(seeds)}) for name, seeds in said
    ]


@pytest.mark.parametrize("table", TABLES)
def test_page_names_exactly_the_keys_of_a_table(table):
    assert list(rows(f"[{table}]")) == list(TABLES[table].model_fields)


@pytest.mark.parametrize(
    ("table", "key"), [(table, key) for table, model in TABLES.items() for key in model.model_fields]
)
def test_page_says_the_default(table, key):
    field = TABLES[table].model_fields[key]
    default = field.get_default(call_default_factory=True, validated_data={})
    said = rows(f"[{table}]")[key][2].strip("`")
    if default is PydanticUndefined:
        assert said == "required"
    else:
        assert said == json.dumps(False if default is None else default)


def test_page_names_the_keys_at_the_top_and_of_experiments():
    tables = {f"[{key}]" for key in STUDY_KEYS if f"[{key}]" in PAGE.read_text()}
    keys = set(rows("At the top"))
    assert {key for key in STUDY_KEYS if f"[{key}]" not in tables} | {"experiments"} == keys
    named = set(
        re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in section("[[experiments]]").splitlines()))
    )
    assert named == set(EXPERIMENT_KEYS)


@pytest.mark.parametrize(
    ("heading", "names"),
    [("[data]", DATASETS), ("[model]", NETWORKS), ("[model]", POSTERIORS)],
)
def test_page_names_what_a_catalogue_has(heading, names):
    assert [name for name in names if f"`{name}`" not in section(heading)] == []


def test_page_names_the_options_of_the_data_sets():
    options = {option for entry in DATASETS.values() for option in entry.options}
    assert [option for option in options if f"`{option}`" not in section("[data]")] == []


def test_page_names_the_options_of_the_posteriors_and_which_may_be_observed():
    options = {option for spec in POSTERIORS.values() for option in spec.options}
    assert [option for option in sorted(options) if f"`{option}`" not in rows("[model]")["options"][-1]] == []
    observed = re.findall(r"`([\w-]+)`", rows("[observe.transfer]")["models"][3])
    assert observed == [name for name, spec in POSTERIORS.items() if not spec.requires]


def test_page_lists_the_packaged_studies():
    assert [name for name in builtin_studies() if f"| `{name}` |" not in PAGE.read_text()] == []


def test_example_of_the_page_is_a_study(tmp_path):
    example = re.search(r"## A whole file\n\n```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example.group(1))
    assert load_study(path).experiments[0].acquisitions == {"random": {}, "batchbald": {"num_configurations": 500}}
