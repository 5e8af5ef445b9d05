x=abc; y="two words"; echo $x "$y" ${x}d ${#y} ${z:-none} ${y% *} ${y##* } '$x' \$x
