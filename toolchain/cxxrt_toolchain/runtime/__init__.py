"""A recipe to a runtime wheel."""
