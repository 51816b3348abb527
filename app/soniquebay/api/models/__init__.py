"""What the public API accepts and answers, as its OpenAPI description shows it; one module a subject."""
