f() { local x=in; echo "$# $1 $x"; return 5; }; x=out; f "a b" c; echo $? $x
