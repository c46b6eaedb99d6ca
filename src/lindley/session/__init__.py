"""A session: fit -> select -> ask -> tell, with a person or a program in the loop, kept in a journal.

- session.py: `Session`, the one shell with state.
- session_arguments.py: its arguments, checked.
- answers.py, answer_tables.py: answers as records or mappings, and as CSV files.
- events.py: the types of events, and the answers in them; validated_records.py: the base class of the types.
- consensus.py: one answer from several.
- state.py: the state, which is the fold of the events.
- event_store.py: the protocol of a store of events, and a store in memory; journal_file.py: the store that is a JSONL
  file; stored_state.py: a store and the state of its events, kept in step.
- rounds.py: one round; round_context.py, pool_predictions.py, subsets.py: what its acquisition reads;
  round_checks.py: what a user's own code must return; round_events.py: between state, round and events.
- trial.py: a session whose oracle is a program; schedule.py: its numbers of labels.
- manifest.py, environment.py: what a trial is, and where it ran; journal_ranges.py: whether a journal fits it.
- import_paths.py: a user's own objects by name; invalid_keys.py: keys of a configuration that cannot be used.
- files.py, locks.py, failures.py: arrays that carry their hash, locks, the last failure of a trial.
- progress.py: what a run reports while it runs.
"""
