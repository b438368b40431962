"""HTTP, as a guest: paced, retried, with credentials that stay in memory; knows no wheel."""
