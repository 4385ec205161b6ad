"""What is allowed: the security team's file as frozen, validated data."""
