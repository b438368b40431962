"""A wheel to a report, a report to a verdict."""
