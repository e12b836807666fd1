"""The stylesheet, the script and the icon of the pages."""
