"""The page where people label: a server on this machine only, which hands out items and takes answers.

Read in this order:
- security.py: who may come in, and what every answer carries.
- app.py: the application, which puts the routes together, also for a notebook; bodies.py: what they take. The modules
  of routes alone import FastAPI.
- pages.py: the page and how a person comes to it; item_routes.py: items and answers; tool_routes.py: grid,
  search, similar and picked items; project_routes.py: classes, status
  and training.
- label_studio.py: the routes of an ML backend of Label Studio.
- media.py: the content of an item, re-encoded.
- dashboard.py: the route of the status; status_page.py: the status as a page; charts.py: the coordinates of its charts.
- serving.py: the server as a process.
- static/: the labelling page; app.js puts its modules together. templates/: the status.
"""
