"""What screens are made of: the terminal, panes, the split between them."""
