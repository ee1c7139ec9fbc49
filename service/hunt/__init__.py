"""The leak hunt: a second, plain reading of catalogue and rules, against what the product shows."""
