"""The report of a study, made from its folder alone.

- writer.py: report.html with its figures and tables.
- html.py: pieces of HTML; what comes from outside is escaped here.
- tables.py and tables_*.py: tables as text and CSV.
- run_details.py: settings, versions, machines, and what is not finished.
- claims.py, claim_tests.py, sampling.py: the claims of the seed project, held against the journals.
"""
