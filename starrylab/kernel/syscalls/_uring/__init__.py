"""What io_uring can do: one module a family of operations, each with a table of its own."""
