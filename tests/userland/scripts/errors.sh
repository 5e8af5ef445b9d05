nosuchprogram 2>/dev/null; echo $?; sh -c 'exit 300'; echo $?; eval 'echo ev'
