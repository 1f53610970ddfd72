"""Files that are copied into images as they are. Nothing of the package imports them."""
