"""What is wrong with a board's description, or with what shall run on a board."""


class BoardError(Exception):
    """One line: the file and line at fault, and what is wrong there."""
