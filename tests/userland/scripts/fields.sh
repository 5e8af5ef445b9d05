IFS=:; p=a::b; for f in $p; do echo "[$f]"; done; read x y <<E
1:2:3
E
echo $x $y
