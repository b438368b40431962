"""The reference installer: pip with the tag known."""
