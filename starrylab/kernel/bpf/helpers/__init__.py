"""What programs may call (bpf-helpers(7)): each helper is a function with its declaration."""
