"""The bars that the project set itself for its speed, each with what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

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
    for data in dict.fromkeys(row["data"] for row in tables["large_batches"]):
        yield from _large(data, [row for row in tables["large_batches"] if row["data"] == data])


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
    for column, draws in (("own_information", "the draws that chose"), ("fresh_information", "fresh draws")):
        values = {row["method"]: float(row[column]) for row in inside}
        long = [value for method, value in values.items() if method.startswith("long run")]
        if not long or "lindley" not in values:
            continue
        share = (values["lindley"] - values["top-k BALD"]) / (max(long) - values["top-k BALD"])
        wanted = (
            f"N = 6,000, K = 100, b = 10: closes 97 % of the gap from top-k BALD to the best long run, under {draws}"
        )
        gap = f"from {values['top-k BALD']:.4f} to {max(long):.4f} nats"
        yield wanted, f"{100 * share:.1f} % of the gap {gap}", _met(share >= 0.97)


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


def _met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"
