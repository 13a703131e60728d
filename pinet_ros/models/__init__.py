"""Network weights: fetching, verifying and loading them."""
