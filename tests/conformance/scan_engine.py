"""An engine for tests: candidates live in shards that other processes read, and results come in any order."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import torch

from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.contracts import Categorical, Chunk
from lindley.row_index import RowIndex


def run_shard(shard: bytes, function: bytes) -> bytes:
    """Apply a function to the chunks of a shard, in this process."""
    torch.set_num_threads(1)
    return pickle.dumps(list(TensorCandidates(**pickle.loads(shard)).scan(pickle.loads(function))))


def take_from_shard(shard: bytes, rows: bytes) -> bytes:
    """Read some rows of a shard, in this process."""
    chunk = TensorCandidates(**pickle.loads(shard)).take(pickle.loads(rows))
    return pickle.dumps((chunk.predictive.log_probs, chunk.features))


class ShardedCandidates:
    """Candidates in shards of whole chunks, which a pool of processes reads; this process has the ids of rows alone.

    `returned` holds, for each scan, the number of bytes that came back; `taken` the rows of each take.
    """

    def __init__(self, pool: ProcessPoolExecutor, num_shards: int, log_probs, rows, features, *, chunk_rows: int = 17):
        self.rows, self.draws_id, self.num_draws = rows, "held", log_probs.shape[1]
        self.returned: list[int] = []
        self.taken: list[int] = []
        self._pool, self._random = pool, random.Random(num_shards)
        chunks = torch.arange(len(rows)).split(chunk_rows)
        per_shard = -(-len(chunks) // num_shards)
        places = [torch.cat(chunks[start : start + per_shard]) for start in range(0, len(chunks), per_shard)]
        self._index, self._per_shard = RowIndex(rows), per_shard * chunk_rows
        self._shards = [
            pickle.dumps(
                {
                    "log_probs": log_probs[some].clone(),
                    "rows": rows[some].clone(),
                    "features": None if features is None else features[some].clone(),
                    "chunk_rows": chunk_rows,
                }
            )
            for some in places
        ]

    def scan(self, function) -> Iterator:
        sent = pickle.dumps(function)
        results = [self._pool.submit(run_shard, shard, sent) for shard in self._shards]
        self._random.shuffle(results)
        came = [each.result() for each in results]
        self.returned.append(sum(map(len, came)))
        for part in came:
            found = pickle.loads(part)
            self._random.shuffle(found)
            yield from found

    def take(self, rows) -> Chunk:
        self.taken.append(len(rows))
        numbers = self._index(rows) // self._per_shard
        wanted = [(numbers == number).nonzero()[:, 0] for number in range(len(self._shards))]
        requests = [
            (places, self._pool.submit(take_from_shard, shard, pickle.dumps(rows[places])))
            for shard, places in zip(self._shards, wanted, strict=True)
            if len(places)
        ]
        parts = [(places, *pickle.loads(each.result())) for places, each in requests]
        order = torch.cat([places for places, _, _ in parts]).argsort()
        log_probs = torch.cat([part for _, part, _ in parts])[order]
        features = None if parts[0][2] is None else torch.cat([part for _, _, part in parts])[order]
        return Chunk(rows, Categorical(log_probs), features)
