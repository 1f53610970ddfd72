"""Pure functions from what is known to HTML and to plain text. Nothing here looks anything up, and nothing is unescaped."""
