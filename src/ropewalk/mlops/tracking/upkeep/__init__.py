"""Looking after runs: moving them, the trash and what it takes to empty it, rules of retention, branches that are gone."""
