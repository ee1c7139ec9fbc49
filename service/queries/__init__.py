"""From a validated request to a page: the pipeline and its stages, contexts, query vectors, pagination."""
