"""The description of the API for machines and people: the OpenAPI document, its schemas and examples, and the page."""
