"""Labelling projects: from a folder of data to labels, a measured accuracy and a model.

Read in this order:
- records.py: items, entries of a source, classes, events and leases.
- settings.py: project.toml; project.py: `Project`, all of it in Python.

Data
- sources/: what a project reads: folders of images, tables, vectors.
- groups.py: near-duplicates; near_texts.py, near_vectors.py: how they are found.
- streams.py: which items measure the model, and when.
- creation.py: a new project by its options; initialise.py: making it, and adding data; new_folder.py: all or nothing;
  moved_images.py: images whose folder was moved; item_features.py: the vectors of its items.

The store
- store.py: `ProjectStore`, the database that is the truth; database.py: it, open; session_store.py: sessions' events.
- sql.py: SQLAlchemy, and the border behind which sqlite.py and postgresql.py lie; storages.py: which one.
- tables.py: the tables; migrations.py: their version; table_copy.py: all of them into another database.
- writer.py: the one thread that writes; clock.py: time for leases; reads.py: what is read, page by page.
- additions.py: adding items; item_changes.py: how many people they need; audit_records.py: audits; class_events.py,
  class_changes.py: changes of classes.
- claims.py: leases; event_append.py: events; answer_effects.py: what follows from them; ranked_queue.py: the queue of
  a model.
- class_keys.py: the keys that choose classes.
- round_records.py: rounds of training and models.

What the events say
- fold.py: the state after some events; class_events.py: classes added, renamed, merged.
- consensus.py: one label from several people, and how far they agree.
- suspects.py: labels that a model finds unlikely; left_out.py: those of a round, and a model of random labels.
- snapshot.py: the labels that count at one moment, by stream.

Training
- training_round.py: one round, as a step of a session; epochs.py: what it gives, in files.
- class_sentences.py: sentences about the classes as the prior of the model, and which of them misleads.
- sentence_gain.py: what one sentence gains, without torch, for the status.
- trainer.py: the process that trains; trainer_process.py: it, as the server sees it; supervise.py: when it works.
- model.py: the newest model; predict.py: what it says of rows; prediction_sets.py: the classes it cannot tell apart.

Files
- export/: labels in files, with where each comes from; importing.py: back again; imported_events.py: the events of a
  line; item_lookup.py: its item; other_tools/: files of Prodigy, doccano and Argilla.
- backup.py: a project in one file, and back.

People
- desk.py: hands items out and takes answers, while models are trained; served_items.py: an item as it is shown.
- finder.py: the tools beside the queue; item_search.py: items by words, and what may be shown of them;
  similar_items.py: items by their features; disputes.py: items on which people disagree.
- accuracy.py, advice.py: how good the model is, and when to stop; labels_saved.py: chosen labels against random ones.
- audit.py, audit_verdict.py: an exact accuracy at the end.
- learning_curve.py: what each round's model makes of the test labels; status.py: how far a project is, all of it, as
  status_records.py has it.
- label_studio/: people who label in Label Studio.
- simulated_person.py: labels over HTTP as a browser does.
"""
