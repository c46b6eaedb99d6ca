"""A study's trials run in worker processes, and continue after a stop.

- runner.py: run_study, from a study to its outcome.
- start_run.py: several processes that run into one folder.
- trial_queue.py: the trials that are neither finished nor taken.
- worker_pool.py: workers get trials until none is left.
- worker_process.py: the parent's side of a worker process.
- worker.py: the worker process itself.
- assembler.py: the names of a trial become the objects that it runs on.
- trial_data.py: the data of a trial.
- learners.py: the learner of an experiment.
- eta.py: how long a round takes.
"""
