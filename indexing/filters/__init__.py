"""The filter algebra that rules compile to, and its three readings."""
