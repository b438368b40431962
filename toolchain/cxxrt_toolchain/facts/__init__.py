"""Frozen values: what is known of wheels, environments, processes and imports. Pure."""
