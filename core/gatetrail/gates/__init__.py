"""May it pass: four pure, synchronous gates and the decision that they make together."""
