"""From pairs to trained towers: loss, negatives, optimisers, the loop, checkpoints."""
