seq 5 | xargs -n 2 echo; echo 'a b' | xargs -I{} echo '<{}>'; basename /a/b.c .c; dirname /a/b
