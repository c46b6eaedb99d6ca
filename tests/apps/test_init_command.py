"""`lindley init` and `lindley add`: what they say of a source, and which options they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from lindley.apps.cli import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    return path


def init(folder: Path, texts: list[str], *options: object) -> Result:
    source = write(folder / "texts.csv", texts)
    return run("init", source, "--text", "text", "--classes", "cat,dog", "--to", folder / "pets", *options)


def test_copies_are_named_with_what_they_are_copies_of(tmp_path: Path) -> None:
    made = init(tmp_path, ["one two", "three four", "one two", "five six", "three four"])
    assert made.exit_code == 0, made.output
    assert "5 entries: 3 items, 2 copies, 0 unreadable." in made.stdout
    assert "texts.csv, line 4: a copy of texts.csv, line 2\n" in made.stderr
    assert "texts.csv, line 6: a copy of texts.csv, line 3\n" in made.stderr
    more = run("add", tmp_path / "pets", write(tmp_path / "more.csv", ["seven eight", "five six"]))
    assert "more.csv, line 3: a copy of texts.csv, line 5\n" in more.stderr


def test_of_many_copies_the_first_are_named(tmp_path: Path) -> None:
    made = init(tmp_path, ["one two", "three four", *["one two"] * 25])
    assert made.stderr.count("a copy of texts.csv, line 2") == 10
    assert "… and 15 more" in made.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--target", 200), ("--target", 0), ("--acquisition", "margn"), ("--acquisition", "epig")]
)
def test_a_wrong_value_is_refused_by_its_option_and_makes_nothing(tmp_path: Path, option: str, value: object) -> None:
    made = init(tmp_path, ["one two", "three four"], option, value)
    assert (made.exit_code, made.stdout) == (2, "")
    assert made.stderr.startswith(f"lindley: {option} must")
    assert not (tmp_path / "pets").exists()


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ([], ["--text COLUMN", "--features A,B", "'text'"]),
        (["--text", "text", "--target", 0.9], ["--target must be in percent", "90"]),
        (["--text", "text", "--overlap", 2**63 - 1], ["--overlap must be"]),
        (["--text", "text", "--seed", 2**64], ["--seed must be"]),
        (["--text", "text", "--keys", "s1"], ["--keys: a key must be", "s (skip)"]),
        (["--text", "text", "--keys", "1"], ["--keys must be 2 keys"]),
        (["--text", "text", "--features", "text"], ["--text text", "--features text"]),
    ],
)
def test_a_refusal_speaks_of_options_in_one_line(tmp_path: Path, options: list[object], texts: list[str]) -> None:
    source = write(tmp_path / "texts.csv", ["one two", "three four"])
    made = run("init", source, "--classes", "cat,dog", "--to", tmp_path / "pets", *options)
    assert (made.exit_code, made.stdout, made.stderr.count("\n")) == (2, "", 1)
    assert [text for text in texts if text not in made.stderr] == []
    assert [each.name for each in tmp_path.iterdir()] == ["texts.csv"]


def test_the_classes_of_init_are_checked(tmp_path: Path) -> None:
    source = write(tmp_path / "texts.csv", ["one two", "three four"])
    for classes in ("a,A", "a,a", "a,b\0", "a"):
        made = run("init", source, "--text", "text", "--classes", classes, "--to", tmp_path / "pets")
        assert (made.exit_code, made.stdout) == (2, "")
        assert made.stderr.startswith("lindley: --classes")
        assert not (tmp_path / "pets").exists()


def test_one_copy_is_one_copy(tmp_path: Path) -> None:
    made = init(tmp_path, ["one two", "three four", "one two"])
    assert "3 entries: 2 items, 1 copy, 0 unreadable." in made.stdout


def test_a_missing_database_is_not_to_be_made_anew(tmp_path: Path) -> None:
    init(tmp_path, ["one two", "three four"])
    (tmp_path / "pets" / "project.db").unlink()
    shown = run("class", "list", tmp_path / "pets")
    assert shown.exit_code == 2
    assert "lindley restore" in shown.stderr
    assert "init" not in shown.stderr


def test_a_class_gets_a_free_key_and_none_of_the_page(tmp_path: Path) -> None:
    init(tmp_path, ["one two", "three four"])
    for command in (("add", "cow", "--key", "s"), ("hotkey", "cat", "u"), ("add", "c\0w")):
        refused = run("class", command[0], tmp_path / "pets", *command[1:])
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert run("class", "add", tmp_path / "pets", "cow").exit_code == 0
    assert " 3 " in run("class", "list", tmp_path / "pets").stdout


def save_images(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((24, 24), 20.0 + 9 * seed).save(folder / name)
    return folder


def test_folders_as_labels_are_refused_where_no_image_lies_in_one(tmp_path: Path) -> None:
    pictures = save_images(tmp_path / "my pictures", "a.png", "b.png", "c.png")
    arguments = "init", pictures, "--classes", "cat,dog", "--to", tmp_path / "pets"
    made = run(*arguments, "--label", "folder")
    assert (made.exit_code, made.stdout) == (2, "")
    assert "--label folder" in made.stderr
    assert f"one subfolder for each class. {pictures} has none, only 3 files, such as 'a.png'" in made.stderr
    assert not (tmp_path / "pets").exists()
    assert run(*arguments).exit_code == 0


def test_known_labels_that_were_asked_for_are_counted_and_those_left_out_named(tmp_path: Path) -> None:
    pictures = save_images(tmp_path / "pictures", "a.png", "Cat/b.png", "Cat/c.png")
    made = run("init", pictures, "--classes", "cat,dog", "--label", "folder", "--to", tmp_path / "pets")
    assert "0 labels imported" in made.stdout
    assert "1 known label left out: the image lies in no subfolder" in made.stderr
    assert "2 known labels left out: there is no class 'Cat'" in made.stderr
    flat = save_images(tmp_path / "flat", "d.png")
    more = run("add", tmp_path / "pets", flat)
    assert more.exit_code == 0, more.output
    assert "1 known label left out: the image lies in no subfolder" in more.stderr
    (tmp_path / "texts.csv").write_text("text,kind\none two,\nthree four,\n")
    columns = "--text", "text", "--label", "kind", "--classes", "cat,dog"
    assert "0 labels imported" in run("init", tmp_path / "texts.csv", *columns, "--to", tmp_path / "texts").stdout
