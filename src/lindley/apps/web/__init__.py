"""The page where people label: a server on this machine only, which hands out items and takes answers.

Read in this order:
- security.py: who may come in, and what every answer carries.
- app.py: the server's routes; bodies.py: what they take and give.
- media.py: the content of an item, re-encoded.
- dashboard.py: the route of the status; status_page.py: the status as a page; charts.py: the coordinates of its charts.
- serving.py: the server as a process.
- static/, templates/: the pages.
"""
