"""What the batches of batchbald_against_peers.py are worth, by a judge that is none of the libraries; a part of it.

Each batch is judged under the K draws that chose it, and under fresh draws, which no selection has seen: the second is
what its labels tell about the posterior itself. Beside the batches of all libraries stand ours by BatchBALD's own gains
to the end, top-k BALD, and long runs of ours with many configurations, with and without the
switch, whose best shows what a greedy choice can reach.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import records
import torch
from judge import Judgement, judge
from real_predictions import fresh_log_probs, loaded

import lindley

OWN_GAINS, TOP_K, LONG_RUN = "lindley, own gains", "top-k BALD", "long run"


def measure_information(options: argparse.Namespace) -> None:
    """One row of CSV for each distinct batch."""
    torch.set_num_threads(options.threads)
    path = options.out / "batchbald_information.csv"
    for num_draws in options.draws:
        batches = [
            batch
            for batch in _batches(num_draws, options)
            if not records.is_done(records.read(path), method=batch["method"], K=num_draws, N=batch["N"], b=batch["b"])
        ]
        if not batches:
            continue
        size = max(int(str(batch["N"])) for batch in batches)
        log_probs, pool_rows = loaded(options.predictions, "mnist", num_draws, size)
        positions = torch.tensor(sorted({row for batch in batches for row in batch["rows"]}))  # type: ignore[attr-defined]
        fresh = fresh_log_probs(
            options.predictions, "mnist", pool_rows[positions], options.fresh_draws, data_dir=options.data_dir
        )
        judged: dict[tuple[int, ...], tuple[Judgement, Judgement]] = {}  # many choose the same rows
        for batch in batches:
            chosen = torch.tensor(sorted(batch["rows"]))  # type: ignore[call-overload]
            if (key := tuple(chosen.tolist())) not in judged:
                inside = torch.searchsorted(positions, chosen)
                judged[key] = (
                    judge(log_probs[chosen], num_configurations=options.judge_configurations),
                    judge(fresh[inside], num_configurations=options.judge_configurations),
                )
            own, new = judged[key]
            row = {
                **batch,
                "own_information": own.information,
                "own_se": own.standard_error,
                "fresh_information": new.information,
                "fresh_se": new.standard_error,
                "fresh_draws": options.fresh_draws,
                "paths": options.judge_configurations,
                "at": records.now(),
            }
            records.append(path, row)
            print(
                {key: row[key] for key in ("method", "K", "N", "b", "own_information", "fresh_information")}, flush=True
            )


def _batches(num_draws: int, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """The last batch of each library in each case of the speed's CSV, and what it is compared with."""
    measured = records.read(options.out / "batchbald_speed.csv")
    rows = [row for row in measured if row["K"] == str(num_draws) and row["status"] == "done"]
    latest = {(row["library"], int(row["N"]), int(row["b"])): json.loads(row["rows"]) for row in rows}
    for (library, size, batch_size), chosen in latest.items():
        yield {"method": library, "K": num_draws, "N": size, "b": batch_size, "rows": chosen}
    for size, batch_size in sorted({case[1:] for case in latest}):
        log_probs, _ = loaded(options.predictions, "mnist", num_draws, size)
        top = lindley.select(log_probs, "bald", batch_size).rows.tolist()
        yield {"method": TOP_K, "K": num_draws, "N": size, "b": batch_size, "rows": top}
        own = lindley.select(log_probs, "batchbald", batch_size, 0).rows.tolist()
        yield {"method": OWN_GAINS, "K": num_draws, "N": size, "b": batch_size, "rows": own}
        for name, kind in (("batchbald-logdet", LONG_RUN), ("batchbald", f"{LONG_RUN}, own gains")):
            for seed in range(1, options.long_seeds + 1):
                long = lindley.select(log_probs, name, batch_size, seed, num_configurations=options.long_configurations)
                method = f"{kind} {seed}"
                yield {"method": method, "K": num_draws, "N": size, "b": batch_size, "rows": long.rows.tolist()}
