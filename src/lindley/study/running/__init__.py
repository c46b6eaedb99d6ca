"""A study's trials run in worker processes, and go on after a stop.

- runner.py: run_study, from a study to its outcome.
- start_run.py: several processes that run into one folder.
- trial_queue.py: the trials that are neither finished nor taken.
- worker_pool.py, worker_process.py, worker.py: who runs them: the pool, the parent's side of a worker, the worker.
- assemble.py: names become objects: what a trial runs on.
- trial_data.py, learners.py: its data, its learner.
- eta.py: how long a round takes.
"""
