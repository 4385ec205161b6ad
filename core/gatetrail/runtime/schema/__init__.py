"""The JSON Schemas that ship, generated from the models."""
