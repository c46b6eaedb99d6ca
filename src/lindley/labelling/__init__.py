"""A labelling project: from a folder of data to labels, an honest accuracy and a model.

- records.py: items, entries of a source, classes, events and leases.
- store.py: `ProjectStore`, the database that is the truth; session_store.py: sessions' events in it.
- sql.py: SQLAlchemy and what is SQLite's own; tables.py: the tables; migrations.py: their version.
- writer.py: the one thread that writes; clock.py: time for leases; reads.py: what is read, page by page.
- additions.py: adding items; item_changes.py: how many people they need, audits; class_events.py,
  class_changes.py: changes of classes.
- claims.py: leases; event_append.py: events and what follows from them; ranked_queue.py: the queue of a model.
- round_records.py: rounds of training and models.
"""
