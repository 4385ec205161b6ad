"""Events with planted cases and near misses, made by the product itself under a clock that is told the time."""
