"""Modules imported in a child process."""
