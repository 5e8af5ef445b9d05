seq 5 | sort -rn | head -2 | tr '\n' ' '; echo a b | while read p q; do echo $q$p; done
