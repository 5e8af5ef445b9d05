set -- a "b c" d; echo $# "$2"; shift; for p; do echo "<$p>"; done; for p in "$@"; do echo $p; done; set --; echo $#
