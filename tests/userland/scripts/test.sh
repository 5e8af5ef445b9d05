test -d / && [ ! -e /nothing ] && [ a != b ] && [ 3 -gt 2 -a -n x ] && echo all; [ "" ] || echo empty
