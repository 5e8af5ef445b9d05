"""The machine that runs user code on unicorn."""
