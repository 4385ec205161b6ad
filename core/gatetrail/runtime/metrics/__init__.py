"""What is told to Prometheus: counted where it happens, or looked at when somebody asks."""
