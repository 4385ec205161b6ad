"""The service as processes: their socket, their start, who watches them, and how they end."""
