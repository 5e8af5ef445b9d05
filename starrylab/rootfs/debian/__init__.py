"""Debian trees from a mirror: signatures, dependencies, packages, dpkg's database."""
