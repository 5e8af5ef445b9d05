"""Why a board could not be flashed."""


class FlashError(Exception):
    """One line for the user: what is wrong, and what to do about it."""
