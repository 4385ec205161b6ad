"""What is installed in a product, a file or folder for each product."""
