for w in apple box c; do case $w in a*) echo A;; b?x|d) echo B;; *) echo other;; esac; done
