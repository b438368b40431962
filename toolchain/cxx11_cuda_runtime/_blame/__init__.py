"""Who loaded a library, and what helps: for the texts of errors and for ``diagnose()`` only."""
