"""The facts and verdicts of single wheels over a folder, a mirror or an index."""
