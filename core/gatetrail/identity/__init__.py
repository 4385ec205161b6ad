"""Who asks: tiers, claims, callers, and the verification of what proves them."""
