"""eBPF: maps, programs, the verifier that lets them in, and what runs them (bpf(2), RFC 9669)."""
