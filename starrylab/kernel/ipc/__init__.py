"""Messages and semaphores with keys or names (sysvipc(7), mq_overview(7))."""
