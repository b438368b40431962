"""A verdict to a plan, a plan to a new wheel."""
