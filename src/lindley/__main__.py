"""The entry point of `lindley` and of `python -m lindley`."""

from lindley.apps.interrupts import exit_on_interrupt


def main() -> None:
    """Run the command that was typed."""
    with exit_on_interrupt():
        from lindley.apps.cli import main as run_command
    run_command()


if __name__ == "__main__":
    main()
