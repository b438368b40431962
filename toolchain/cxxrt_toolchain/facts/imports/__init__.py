"""Facts of imports in child processes, and of the trials that follow a failure."""
