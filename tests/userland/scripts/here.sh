x=1; cat <<EOF
a $x $((x+1)) `echo c` \$x
EOF
cat <<"EOF"
$x
EOF
cat <<-E
	tab
	E
