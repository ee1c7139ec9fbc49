"""What a newer catalogue would change in what is live, and doing just that."""
