"""A third-party package as a user would write it, installed for real by the tests."""
