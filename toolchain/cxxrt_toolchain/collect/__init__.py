"""The readers of files, /proc and child processes; they return values of `facts`."""
