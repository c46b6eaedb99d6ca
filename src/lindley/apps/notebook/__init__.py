"""The labelling page in a notebook: the same application in this process, over the notebook's own channel.

It needs no port and no link, so it works wherever the notebook does. Read in this order:
- widget.py: the widget, with its desk and its trainer; widget.js: the frame that shows a page.
- in_process.py: calls the application without a server.
- documents.py: a page and its files as one document; transport.js: how the page's requests leave the frame.
"""
