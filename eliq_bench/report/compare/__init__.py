"""Who beats whom: several runs joined, every two models tested on the items that both scored."""
