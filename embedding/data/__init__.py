"""What is learnt from and judged by: pairs, splits, the training config, evaluation tasks."""
