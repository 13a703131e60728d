"""Where network weights come from: fetching, verifying and loading them."""
