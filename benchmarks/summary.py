"""The tables of all benchmarks as one Markdown file, from the CSV files that they leave.

    python benchmarks/summary.py [--out DIR]

writes DIR/README.md. What has not been measured is left out.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import mean, median

import records
from bars import bars

Row = dict[str, str]
OTHERS = {
    "score_bandwidth": "Scores beside a copy",
    "epig_speed": "EPIG beside one matrix product",
    "head_speed": "A Bayesian head: refit and re-ranking",
    "label_server": "The next item at a server that people label at, while models are trained",
    "nonzero_features": "Features that are 0 in all rows of a chunk left out, beside all of them",
    "channels_last": "Images and weights channels-last, beside torch's own layout",
}
"""Tables that are shown as they are: CSV file, title."""
_FILES = (
    "batchbald_speed",
    "batchbald_information",
    "batchbald_products",
    "large_batches",
    "continuations",
    "switch_point",
    "prediction_speed",
    "mnist_round",
    "mnist_round_cuda",
    "end_to_end",
    "bfloat16_choice",
)
_NOTHING = 1e-9  # nats that are left: smaller ones are the rounding of sums of logarithms
_ROUND_STAGES = ("fit_seconds", "predict_seconds", "select_seconds", "seconds")
_NOT_SHOWN = ("at", "when", "measured", "machine")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    print(summarise(parser.parse_args().out))


def summarise(folder: Path) -> Path:
    """Writes the file and returns its path."""
    tables = {name: records.read(folder / f"{name}.csv") for name in (*_FILES, *OTHERS)}
    speed, information = tables["batchbald_speed"], tables["batchbald_information"]
    sections = [
        ("The bars", records.markdown(["wanted", "measured", "met"], found) if (found := [*bars(tables)]) else ""),
        ("BatchBALD beside other libraries: seconds", _speed(speed)),
        ("BatchBALD beside other libraries: what the batches are worth", _information(information)),
        ("BatchBALD beside the products it could not avoid", _products(tables["batchbald_products"])),
        ("Large batches", _large(tables["large_batches"])),
        ("Continuations once log K is used up", _continuations(tables["continuations"])),
        ("When log K is used up: a batch of 10 by the nats left at the switch", _switch(tables["switch_point"])),
        ("Prediction beside other libraries", _prediction(tables["prediction_speed"])),
        ("A whole round on MNIST", _round(tables["mnist_round"])),
        ("A whole round on MNIST, the model on a GPU", _round(tables["mnist_round_cuda"])),
        ("Active learning beside baal, end to end", _end_to_end(tables["end_to_end"])),
        ("Batches chosen from bfloat16 predictions", _choice(tables["bfloat16_choice"])),
        *((title, _as_it_is(tables[name])) for name, title in OTHERS.items()),
    ]
    text = "# Benchmarks\n\nWritten by `make bench`; docs/benchmarks.md says what is measured, and how.\n"
    machines = sorted({row["machine"] for rows in tables.values() for row in rows if row.get("machine")})
    text += "".join(f"\nMeasured on: {each}.\n" for each in machines)
    text += "".join(f"\n## {title}\n\n{body}\n" for title, body in sections if body)
    if (folder / "growth.png").exists():
        text += "\n## Growth\n\n![time and memory over N, b, K and C](growth.png)\n"
    path = folder / "README.md"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _speed(rows: list[Row]) -> str:
    """One line a case and library: seconds, how often ours, added memory."""
    shown = []
    for case, group in _grouped(rows, "K", "b", "N"):
        by_library = {library: list(each) for (library,), each in _grouped(group, "library")}
        ours = [float(row["seconds"]) for row in by_library.pop("lindley", [])]
        if not ours:
            continue
        memory = max(float(row["added_mib"]) for row in group if row["library"] == "lindley")
        shown.append([*case, "lindley", f"{_s(min(ours))} ({_s(median(ours))}; {len(ours)})", "1", f"{memory:.0f}"])
        for library, runs in by_library.items():
            done = [row for row in runs if row["status"] == "done"]
            if not done:
                shown.append([*case, library, runs[-1]["status"], "", ""])
                continue
            seconds = [float(row["seconds"]) for row in done]
            memory = max(float(row["added_mib"]) for row in done)
            of_several = f" ({_s(median(seconds))}; {len(done)})" if len(done) > 1 else ""
            shown.append(
                [*case, library, _s(min(seconds)) + of_several, f"{min(seconds) / min(ours):,.3g}", f"{memory:.0f}"]
            )
    columns = ["K", "b", "N", "library", "seconds: best (median; runs)", "times ours", "added MiB"]
    return records.markdown(columns, shown) if shown else ""


def _information(rows: list[Row]) -> str:
    """One line a case and method: information under its own and under fresh draws, and the share of the gap closed."""
    shown = []
    for case, group in _grouped(rows, "K", "b", "N"):
        long = [row for row in group if row["method"].startswith("long run")]
        top = [row for row in group if row["method"].startswith("top-k")]
        for row in (row for row in group if row not in long):
            values = []
            for draws in ("own", "fresh"):
                value, error = float(row[f"{draws}_information"]), float(row[f"{draws}_se"])
                values += [f"{value:.4f} ± {error:.4f}", _share(row, top, long, f"{draws}_information")]
            shown.append([*case, row["method"], *values])
        if long:
            bests = [f"{max(float(row[f'{draws}_information']) for row in long):.4f}" for draws in ("own", "fresh")]
            shown.append([*case, f"best of {len(long)} long runs", bests[0], "100 %", bests[1], "100 %"])
    columns = ["K", "b", "N", "batch of", "own draws, nats", "gap closed", "fresh draws, nats", "gap closed"]
    return records.markdown(columns, shown) if shown else ""


def _share(row: Row, top: list[Row], long: list[Row], column: str) -> str:
    """Of the gap between top-k BALD and the best long run; none where that is within four standard errors."""
    if not top or not long or row in top:
        return ""
    least, most = float(top[0][column]), max(float(each[column]) for each in long)
    error = float(row[column.replace("information", "se")])
    if most - least <= 4 * math.sqrt(2) * error:
        return "no gap"
    return f"{100 * (float(row[column]) - least) / (most - least):.1f} ± {100 * error / (most - least):.1f} %"


def _products(rows: list[Row]) -> str:
    names = [f"{name}_seconds" for name in ("selection", "products", "logarithms", "one_pass", "bald")]
    ratios = ("times_products", "times_all")
    shown = [
        [row["N"], row["b"], f"{int(row['pairs']):,}", *(_s(float(row[name])) for name in names)]
        + [f"{float(row[name]):.2f}" for name in ratios]
        for row in rows
    ]
    columns = ["N", "b", "candidates x configurations", "selection s", "products s", "logarithms s", "one pass s"]
    columns += ["BALD s", "times products", "times products, logarithms and BALD"]
    return records.markdown(columns, shown) if shown else ""


def _large(rows: list[Row]) -> str:
    shown = []
    for case, group in _grouped(rows, "data", "b", "method"):
        information, left, seconds = (
            [float(row[name]) for row in group] for name in ("information", "left", "seconds")
        )
        error = max(float(row["se"]) for row in group)
        duplicates = [int(row["duplicates"]) for row in group if row["duplicates"]]
        worth = _median_and_range(information, ".4f")
        lost = _median_and_range([value if value > _NOTHING else 0 for value in left], ".2g")
        repeated = _median_and_range(duplicates, "g")
        shown.append([*case, f"{worth} ± {error:.4f}", lost, repeated, _s(median(seconds)), len(group)])
    columns = ["data", "b", "method", "nats: median (range) ± standard error", "left of log of draws", "duplicates"]
    return records.markdown([*columns, "seconds", "seeds"], shown) if shown else ""


def _continuations(rows: list[Row]) -> str:
    """One line a rule: information of the first b rows under fresh draws, median over seeds."""
    sizes = sorted({int(row["b"]) for row in rows})
    shown = []
    for (data, rule, begins), group in _grouped(
        [{**row, "begins": "from the first pick" if row["picks_before"] == "0" else "from the switch"} for row in rows],
        "data",
        "rule",
        "begins",
    ):
        by_size = [[float(row["information"]) for row in group if int(row["b"]) == size] for size in sizes]
        shown.append([data, rule, begins, *(f"{median(each):.3f}" for each in by_size), len(by_size[0])])
    columns = ["data", "rule", "begins", *(f"b = {size}" for size in sizes), "seeds"]
    return records.markdown(columns, shown) if shown else ""


def _switch(rows: list[Row]) -> str:
    """One line a method: medians over networks, and how far it is ahead of top-k BALD under fresh draws, pairwise."""
    top = {row["data"] + row["network"]: float(row["fresh_information"]) for row in rows if "top-k" in row["method"]}
    shown = []
    for (data, method), group in _grouped(rows, "data", "method"):
        values = ([float(row[f"{name}_information"]) for row in group] for name in ("own", "fresh"))
        own, fresh = (f"{median(each):.4f} ({min(each):.4f} to {max(each):.4f})" for each in values)
        ahead = [float(row["fresh_information"]) - top.get(row["data"] + row["network"], math.nan) for row in group]
        lead = f"{mean(ahead):+.4f}, ahead in {sum(each > 0 for each in ahead)}" if "top-k" not in method else ""
        picks = f"{median(float(row['picks_before']) for row in group):g}"
        shown.append([data, method, picks, own, fresh, lead, len(group)])
    columns = [
        "data",
        "method",
        "BatchBALD's picks",
        "own draws, nats",
        "fresh draws, nats",
        "to top-k BALD",
        "networks",
    ]
    return records.markdown(columns, shown) if shown else ""


def _prediction(rows: list[Row]) -> str:
    """One line a network and library: the best rate, how often baal's, the share of the products' rate, memory."""
    shown = []
    for (network, num_draws), group in _grouped(rows, "network", "K"):
        baal = max((float(row["rate"]) for row in group if row["library"] == "baal"), default=None)
        for (library, precision), runs in _grouped(group, "library", "precision"):
            best = max(runs, key=lambda row: float(row["rate"]))
            rate = float(best["rate"])
            products = max((float(row["product_rate"]) for row in runs if row["product_rate"]), default=None)
            times = f"{rate / baal:.3g}" if baal else ""
            share = f"{100 * rate / products:.0f} % of {products:,.0f}" if products else ""
            memory = f"{max(float(row['added_mib']) for row in runs):.0f}"
            shown.append(
                [network, num_draws, library, precision, f"{rate:,.0f}", times, share, memory, best["setting"]]
            )
    columns = ["network", "K", "library", "precision", "image-draws/s: best", "times baal", "of the products' rate"]
    return records.markdown([*columns, "added MiB", "setting"], shown) if shown else ""


def _round(rows: list[Row]) -> str:
    """One line a case: best (median) of each stage."""
    shown = []
    case_columns = ("network", "precision", "labels", "steps", "K", "candidates", "b", "threads")
    for case, group in _grouped(rows, *case_columns):
        stages = [[float(row[name]) for row in group] for name in _ROUND_STAGES]
        memory = max(float(row["added_mib"]) for row in group)
        shown.append(
            [*case, *(f"{min(each):.1f} ({median(each):.1f})" for each in stages), f"{memory:.0f}", len(group)]
        )
    columns = [*case_columns, "fit s: best (median)", "predict s", "select s", "all s", "added MiB", "rounds"]
    return records.markdown(columns, shown) if shown else ""


def _end_to_end(rows: list[Row]) -> str:
    """One line a library: medians over seeds."""
    shown = []
    for case, group in _grouped(rows, "pool", "max_labels", "K", "epochs", "library", "precision"):
        stages = [
            median(float(row[f"{name}_seconds"]) for row in group) for name in ("wall", "fit", "predict", "select")
        ]
        accuracies = _median_and_range([100 * float(row["accuracy"]) for row in group], ".1f")
        shown.append([*case, *(f"{seconds:.1f}" for seconds in stages), accuracies, len(group)])
    columns = ["pool", "labels", "K", "epochs", "library", "precision", "wall s", "fit s", "predict s", "select s"]
    return records.markdown([*columns, "accuracy %: median (range)", "seeds"], shown) if shown else ""


def _choice(rows: list[Row]) -> str:
    """One line a method: what is lost of its information, over seeds."""
    shown = []
    for (num_rows, num_draws, size, method), group in _grouped(rows, "N", "K", "b", "method"):
        losses = _median_and_range([100 * float(row["loss"]) for row in group], ".3f")
        error = 100 * max(float(row["se"]) for row in group)
        common = _median_and_range([int(row["rows_in_common"]) for row in group], "g")
        named = "all" if num_rows == "0" else num_rows
        shown.append([named, num_draws, size, method, f"{losses} ± {error:.3f}", common, len(group)])
    columns = ["N", "K", "b", "batch", "loses %: median (range) ± standard error", "rows in common", "seeds"]
    return records.markdown(columns, shown) if shown else ""


def _median_and_range(values: Sequence[float], form: str) -> str:
    """The median, and the ends where they look different in that form, as ".3f"; nothing of nothing."""
    if not values:
        return ""
    least, most = (format(end, form) for end in (min(values), max(values)))
    return format(median(values), form) + ("" if least == most else f" ({least} to {most})")


def _as_it_is(rows: list[Row]) -> str:
    if not rows:
        return ""
    columns = [column for column in rows[0] if column not in _NOT_SHOWN]
    return records.markdown(columns, [[_short(row[column]) for column in columns] for row in rows])


def _grouped(rows: Iterable[Row], *columns: str) -> list[tuple[tuple[str, ...], list[Row]]]:
    """Rows that agree in these columns, in the order in which numbers and then words first come."""
    rows = list(rows)
    keys = [tuple(row[column] for column in columns) for row in rows]
    order = {key: place for place, key in reversed(list(enumerate(keys)))}
    ranked = sorted(rows, key=lambda row: _rank([row[column] for column in columns], order))
    return [(key, list(group)) for key, group in groupby(ranked, lambda row: tuple(row[column] for column in columns))]


def _rank(values: list[str], order: dict[tuple[str, ...], int]) -> tuple[object, ...]:
    numbers = [int(value) if value.isdigit() else 0 for value in values]
    words = [value if not value.isdigit() and place == 0 else "" for place, value in enumerate(values)]
    return (words, numbers, order[tuple(values)])


def _s(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < 1000 else f"{seconds:.0f}"


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}" if "." in value or "e-" in value else value
    except ValueError:
        return value


if __name__ == "__main__":
    main()
