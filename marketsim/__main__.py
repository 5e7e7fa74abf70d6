"""`python -m marketsim` is the command `marketsim`."""

from marketsim.cli import main

if __name__ == "__main__":
    main(prog_name="marketsim")
