"""Pinned inputs to verified, unpacked files below the cache; what else builds uses no network."""
