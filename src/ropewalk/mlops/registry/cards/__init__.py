"""Model cards: what a version is, was made from and is good for, as one page of Markdown that its content decides."""
