"""A hart that is a board's own CPU, at the other end of a line."""
