"""io_uring(7): rings, what is registered with them, and the requests under way."""
