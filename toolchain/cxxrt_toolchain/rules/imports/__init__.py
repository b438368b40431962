"""The rules about imports that failed, in a child process. Pure."""
