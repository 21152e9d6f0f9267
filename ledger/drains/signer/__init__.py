"""A second opinion on each payment before it leaves: a process of its own, with its own user, its own read-only way to
the books, its own question to the node, its own memory, and a key that neither the web server nor the worker has."""
