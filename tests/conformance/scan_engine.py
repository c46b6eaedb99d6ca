"""An engine for tests: a scan runs in other processes over shards, and its results come in any order."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import torch

from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.contracts import Chunk


def run_shard(shard: bytes, function: bytes) -> bytes:
    """Apply a function to the chunks of a shard, in this process."""
    torch.set_num_threads(1)
    return pickle.dumps(list(TensorCandidates(**pickle.loads(shard)).scan(pickle.loads(function))))


class ShardedCandidates:
    """Candidates in shards of whole chunks, scanned by a pool of processes.

    `returned` holds, for each scan, the number of bytes that came back.
    """

    def __init__(self, pool: ProcessPoolExecutor, num_shards: int, log_probs, rows, features, *, chunk_rows: int = 17):
        self.rows, self.draws_id, self.num_draws = rows, "held", log_probs.shape[1]
        self.returned: list[int] = []
        self._pool, self._random = pool, random.Random(num_shards)
        self._whole = TensorCandidates(log_probs, rows, features=features, chunk_rows=chunk_rows)
        chunks = torch.arange(len(rows)).split(chunk_rows)
        per_shard = -(-len(chunks) // num_shards)
        places = [torch.cat(chunks[start : start + per_shard]) for start in range(0, len(chunks), per_shard)]
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
        return self._whole.take(rows)
