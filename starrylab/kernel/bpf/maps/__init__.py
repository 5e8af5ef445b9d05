"""Maps: what programs and processes share."""
