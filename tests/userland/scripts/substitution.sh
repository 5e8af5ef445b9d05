echo "$(echo "$(echo deep)")" `echo back`; v=$(printf "a\n\n"); echo "[$v]"
