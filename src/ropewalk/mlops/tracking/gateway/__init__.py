"""What a gateway to models of others needs to know: keys, models, endpoints. This server keeps it and calls nobody."""
