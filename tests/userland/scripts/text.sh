printf 'b 2\na 10\nc 1\n' > t; sort -k 2n t; cut -d' ' -f2 t; grep -n a t; uniq -c t | wc -l; tail -n 1 t; wc -l < t; rm t
