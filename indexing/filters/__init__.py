"""The filter algebra that rules compile to, which conditions it takes, and its reading in plain Python."""
