"""From a recipe to a runtime wheel."""
