"""The plans there are, a file for each way of looking; `registry` lists them."""
