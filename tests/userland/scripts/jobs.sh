sleep 0.1 & wait $!; echo $?; (exit 3) & wait $!; echo $?; sleep 9 & kill $!; wait $!; echo $?
