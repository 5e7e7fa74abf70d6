"""The blind benchmark: recover a fund's rule, clock and assets from the public tape alone."""
