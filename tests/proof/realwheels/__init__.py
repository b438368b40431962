"""The proof on published wheels: environments, combinations that crash, what cures them.

In: the tables under ``cases`` and ``pins``. Out: results as values, JSON and Markdown. Nothing here
builds a wheel or edits a cached one.
"""
