"""How good a model is: metrics, baselines, slices, bias."""
