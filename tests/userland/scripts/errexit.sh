(set -e; false; echo no); echo $?; set -e; if false; then :; fi; false || echo kept
