"""`python -m soniquebay.cli`, where no script is installed."""

from soniquebay.cli import main

if __name__ == "__main__":
    main(prog_name="soniquebay")
