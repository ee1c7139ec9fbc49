"""What knows HTTP: routes, bodies, OpenAPI, authorisation, health, batches."""
