"""The doors of the service: HTTP, command line, console pages, and how the parts are put together."""
