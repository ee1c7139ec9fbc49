"""Models and releases for notebooks: their vectors as numpy with ids, exact neighbours, evaluation."""
