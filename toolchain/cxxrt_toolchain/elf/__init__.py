"""ELF bytes to facts; knows no wheel, tag or policy."""
