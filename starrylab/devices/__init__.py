"""Device models: registers and interrupt lines."""
