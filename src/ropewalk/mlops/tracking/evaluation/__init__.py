"""What judges applications: evaluation sets, scorers, and the issues that were found."""
