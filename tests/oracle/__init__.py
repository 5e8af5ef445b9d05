"""Oracles: what real Linux programs do on real Linux, for tests to compare with."""
