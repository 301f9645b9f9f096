"""Mutation testing: wrong versions of a function are made, and the tests must notice them."""
