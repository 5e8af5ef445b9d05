"""What is wrong with an image."""


class ImageFormatError(ValueError):
    """The bytes are not what their format asks for, or a value does not fit its field; one line."""
