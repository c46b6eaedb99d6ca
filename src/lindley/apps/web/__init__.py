"""The page where people label: a server on this machine only, which hands out items and takes answers.

Read in this order:
- security.py: who may come in, and what every answer carries.
- app.py: the server's routes; bodies.py: what they take and give.
- label_studio.py: the routes of an ML backend of Label Studio.
- media.py: the content of an item, re-encoded.
- serving.py: the server as a process.
- static/: the page.
"""
