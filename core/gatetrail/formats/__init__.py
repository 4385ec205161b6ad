"""Events in the words of other products: pure functions, no I/O."""
