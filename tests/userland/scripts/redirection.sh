echo a > f; echo b >> f; cat < f; { echo o; echo e >&2; } 2>&1 | sort; exec 3>g; echo t >&3; exec 3>&-; cat g; rm f g
