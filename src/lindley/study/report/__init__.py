"""The report of a study, made from its folder alone.

- writer.py: report.html with its figures and tables; html.py: pieces of HTML, where all text is escaped.
- tables.py: tables as text and CSV; tables_queried.py, tables_information.py, tables_transfer.py: further ones.
- run_details.py: settings, versions, machines, and unfinished or excluded trials.
- claims.py: the claims of the seed project; claim_tests.py: their tests; sampling.py: queried rows in the plane.
"""
