"""The commands of bpf(2): one function each, by what they are about."""
