"""From a board that is off to an image that runs on it, over nothing but the serial line."""
