mkdir d; touch d/a1 d/a2 d/b; echo d/a* d/[b] d/?2 'd/*' none*; rm -r d
