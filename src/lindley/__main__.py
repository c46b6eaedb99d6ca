"""`python -m lindley` is `lindley`."""

from lindley.apps.cli import main

if __name__ == "__main__":
    main()
