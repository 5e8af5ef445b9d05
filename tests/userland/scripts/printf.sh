printf '%s|%5d|%-4s|%x|%%\n' a 1 b 255 c 2 d 16
