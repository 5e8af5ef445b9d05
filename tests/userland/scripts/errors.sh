nosuchprogram 2>/dev/null; echo $?; sh -c 'exit 300'; echo $?; eval 'echo ev'
# What a builtin could not write counts, also after a write that went well.
echo x >/dev/full 2>/dev/null || echo "lost 1"
echo x >/dev/null && echo x >/dev/full 2>/dev/null || echo "lost 2"
printf x >/dev/full 2>/dev/null || echo "lost 3"
