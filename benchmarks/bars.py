"""The bars that the project set itself for its speed, each with what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median

Row = dict[str, str]


def bars(tables: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, str, str]]:
    """(what is wanted, what was measured, whether that is met); what has not been measured is left out."""
    yield from _speed(tables["batchbald_speed"])
    yield from _gap(tables["batchbald_information"])
    for row in tables["batchbald_products"]:
        times = float(row["times_products"])
        wanted = f"N = {int(row['N']):,}, K = 100, b = 10: at most 5 × the matrix products it could not avoid"
        measured = f"{times:.2f} × ({float(row['times_all']):.2f} × products, logarithms and BALD of all rows)"
        yield wanted, measured, _met(times <= 5)
    yield from _scores(tables["score_bandwidth"])
    yield from _prediction(tables["prediction_speed"])
    yield from _round(tables["mnist_round"])
    yield from _end_to_end(tables["end_to_end"])
    yield from _choice(tables["bfloat16_choice"])
    yield from _head(tables["head_speed"])
    yield from _label_server(tables["label_server"])
    for data in dict.fromkeys(row["data"] for row in tables["large_batches"]):
        yield from _large(data, [row for row in tables["large_batches"] if row["data"] == data])


def _label_server(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        if row["items"] == "100000":
            wanted = f"The next of 100,000 items ({row['request']}) in less than 20 ms in 95 of 100 requests"
            yield wanted, f"{row['p95 ms']} ms, median {row['p50 ms']} ms", _met(float(row["p95 ms"]) < 20)


def _speed(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    def best(library: str, num_rows: int) -> Row | None:
        case = {"library": library, "K": "100", "b": "10", "N": str(num_rows), "status": "done"}
        runs = [row for row in rows if case.items() <= row.items()]
        return min(runs, key=lambda row: float(row["seconds"]), default=None)

    ours, theirs = best("lindley", 6000), best("batchbald_redux", 6000)
    if ours and theirs:
        ratio = float(theirs["seconds"]) / float(ours["seconds"])
        wanted = "N = 6,000, K = 100, b = 10: at least 300 × faster than batchbald_redux (float64)"
        yield wanted, f"{ratio:.0f} × ({theirs['seconds'][:6]} s, {ours['seconds'][:6]} s)", _met(ratio >= 300)
    ours, theirs = best("lindley", 60_000), best("batchbald_redux", 600)
    if ours and theirs:
        seconds = float(ours["seconds"]), float(theirs["seconds"])
        wanted = "N = 60,000 faster than batchbald_redux does 600 rows"
        yield wanted, f"{seconds[0]:.2f} s, {seconds[1]:.2f} s", _met(seconds[0] < seconds[1])
    if ours:
        added = max(float(row["added_mib"]) for row in rows if row["library"] == "lindley" and row["N"] == "60000")
        yield "N = 60,000: at most 1 GiB of added memory", f"{added:.0f} MiB", _met(added <= 1024)


def _gap(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    case = {"K": "100", "b": "10", "N": "6000"}
    inside = [row for row in rows if case.items() <= row.items()]
    cases = (
        ("own_information", "lindley", "the draws that chose"),
        ("own_information", "lindley, own gains", "the draws that chose, without the continuation"),
        ("fresh_information", "lindley", "fresh draws"),
    )
    for column, ours, draws in cases:
        values = {row["method"]: float(row[column]) for row in inside}
        long = [value for method, value in values.items() if method.startswith("long run")]
        if not long or ours not in values:
            continue
        share = (values[ours] - values["top-k BALD"]) / (max(long) - values["top-k BALD"])
        wanted = (
            f"N = 6,000, K = 100, b = 10: closes 97 % of the gap from top-k BALD to the best long run, under {draws}"
        )
        gap = f"from {values['top-k BALD']:.4f} to {max(long):.4f} nats"
        yield wanted, f"{100 * share:.1f} % of the gap {gap}", _met(share >= 0.97)


def _scores(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    for threads in dict.fromkeys(row["threads"] for row in rows):
        shares = {row["work"]: float(row["share_of_copy"]) for row in rows if row["threads"] == threads}
        if "bald" in shares and "exp" in shares:
            measured = f"{100 * shares['bald']:.0f} %; the exponentials alone reach {100 * shares['exp']:.0f} %"
            yield f"BALD at 50 % of a copy's bandwidth, {threads} threads", measured, _met(shares["bald"] >= 0.5)


def _large(data: str, rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    def of(method: str, batch_size: int, column: str) -> list[float]:
        return [float(row[column]) for row in rows if row["method"] == method and row["b"] == str(batch_size)]

    small, large = of("BatchBALD", 10, "seconds"), of("BatchBALD", 100, "seconds")
    if small and large:
        ratio = median(large) / median(small)
        yield f"{data}: batch 100 no slower than 15 × b = 10", f"{ratio:.1f} ×", _met(ratio <= 15)
    for method in ("BALD, top-k", "power BALD, β = 1", "power BALD, β = 4", "power BALD, β = 8"):
        ours, theirs = of("BatchBALD", 100, "information"), of(method, 100, "information")
        if ours and theirs:
            error = max(of("BatchBALD", 100, "se") + of(method, 100, "se"))
            wanted = f"{data}: batch 100 carries at least what {method} does, under fresh draws"
            measured = f"{median(ours):.5f} and {median(theirs):.5f} nats"
            yield wanted, measured, _met(median(ours) >= median(theirs) - 2 * error - 1e-6)


def _prediction(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    def rate(network: str, library: str, precision: str, column: str = "rate") -> float | None:
        case = {"network": network, "library": library, "precision": precision, "K": "100"}
        return max((float(row[column]) for row in rows if case.items() <= row.items()), default=None)

    wanted = (("gal-cnn", "Gal's CNN", "bfloat16", 150), ("gal-cnn", "Gal's CNN", "float32", 40))
    wanted += (
        ("batchbald-cnn", "BatchBALD's CNN", "bfloat16", 10),
        ("batchbald-cnn", "BatchBALD's CNN", "float32", 10),
    )
    for network, title, precision, times in wanted:
        ours, theirs = rate(network, "lindley", precision), rate(network, "baal", "float32")
        faster = rate(network, "baal-channels-last", "float32")
        if ours and theirs:
            also = f"; {ours / faster:.1f} × with its weights channels-last" if faster else ""
            measured = f"{ours / theirs:.1f} × ({ours:,.0f} and {theirs:,.0f} image-draws/s{also})"
            yield f"{title}, K = 100, {precision}: at least {times} × baal", measured, _met(ours >= times * theirs)
    for precision in ("bfloat16", "float32"):
        ours, products = (rate("gal-cnn", "lindley", precision, name) for name in ("rate", "product_rate"))
        if ours and products:
            wanted_share = f"Gal's CNN, K = 100, {precision}: at least 40 % of the rate of its matrix products"
            yield wanted_share, f"{100 * ours / products:.0f} %", _met(ours >= 0.4 * products)


def _round(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    whole = {"labels": "100", "K": "100", "b": "10", "candidates": "59900", "threads": "2"}
    seconds = [float(row["seconds"]) for row in rows if whole.items() <= row.items()]
    if seconds:
        wanted = "MNIST, 100 labels, K = 100 over all other rows, BatchBALD of 10: at most 40 s on 2 cores"
        yield (
            wanted,
            f"{min(seconds):.1f} s (median of {len(seconds)}: {median(seconds):.1f} s)",
            _met(min(seconds) <= 40),
        )


def _end_to_end(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    whole = {"K": "20", "epochs": "50", "pool": "10000", "initial_labels": "20", "query": "10", "max_labels": "120"}
    rows = [row for row in rows if whole.items() <= row.items()]
    for precision in ("float32", "bfloat16"):
        ours = {row["seed"]: row for row in rows if row["library"] == "lindley" and row["precision"] == precision}
        theirs: dict[str, Row] = {}  # with the weights in whichever layout was faster, where both were tried
        for row in sorted(rows, key=lambda row: float(row["wall_seconds"]), reverse=True):
            if row["library"] in ("baal", "baal-channels-last"):
                theirs[row["seed"]] = row
        seeds = sorted(ours.keys() & theirs.keys())
        if not seeds:
            continue
        ratio = median(float(theirs[seed]["wall_seconds"]) / float(ours[seed]["wall_seconds"]) for seed in seeds)
        measured = f"{ratio:.1f} × (median of {len(seeds)} seeds)"
        yield f"20 to 120 labels by BALD, {precision}: at least 10 × faster than baal", measured, _met(ratio >= 10)
        accuracies = [[100 * float(each[seed]["accuracy"]) for seed in seeds] for each in (ours, theirs)]
        (first, second), means = map(median, accuracies), [f"{fmean(each):.1f}" for each in accuracies]
        wanted = f"20 to 120 labels by BALD, {precision}: accuracy within a point of baal's"
        measured = f"{first:.1f} and {second:.1f} % (medians of {len(seeds)} seeds; means {' and '.join(means)})"
        yield wanted, measured, _met(round(abs(first - second), 6) <= 1)


def _choice(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    losses = [float(row["loss"]) for row in rows if row["method"] == "BatchBALD" and row["N"] == "0"]
    if losses:
        wanted = "A BatchBALD batch of 10 from bfloat16 predictions loses at most 0.5 % of its information"
        measured = f"{100 * max(losses):.2f} % (worst of {len(losses)} seeds; median {100 * median(losses):.2f} %)"
        yield wanted, measured, _met(max(losses) <= 0.005)


def _head(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    case = {"N": "50000", "D": "384", "L": "1000", "K": "100", "stage": "total"}
    seconds = min((float(row["seconds"]) for row in rows if case.items() <= row.items()), default=None)
    if seconds is not None:
        wanted = "A head refitted on 1,000 labels and 50,000 × 384 embeddings ranked anew, K = 100: at most 2 s"
        yield wanted, f"{seconds:.2f} s", _met(seconds <= 2)


def _met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"
