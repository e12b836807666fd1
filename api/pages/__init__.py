"""The pages: a console for staff and a page for each customer, rendered on the server from the same acts as the API."""
