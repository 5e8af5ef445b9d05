echo Hello | tr a-z A-Z; echo aabbcc | tr -s b; echo a1b2 | tr -d 0-9
