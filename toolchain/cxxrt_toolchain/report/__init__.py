"""Results as text, JSON documents and the HTML page."""
