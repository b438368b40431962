"""The ABI specification as Python values; no machine access."""
