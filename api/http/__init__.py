"""What every request and every answer has: bounds, bodies, problems, and the document that tells of them."""
