"""What a running process has loaded."""
