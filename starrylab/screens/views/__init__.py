"""The views beside the console: each an arrangement of panes for one purpose."""
