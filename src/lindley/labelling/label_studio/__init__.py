"""A project as the ML backend of Label Studio: people label there, and the project says in which order.

- connection.py: what is remembered of a Label Studio, secrets included.
- annotations.py: what its webhooks say, as events.
- ranking.py: the order in which items are to be labelled.
- client.py: requests to its API.
- synchroniser.py: pushes the order after each round (a thread).
"""
