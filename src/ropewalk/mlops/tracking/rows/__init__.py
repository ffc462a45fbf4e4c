"""The rows of the protocol: one module per entity, one table of all of them."""
