false || echo or; true && echo and; ! true; echo $?; (exit 7); echo $?; { echo g; }
