"""From what is wanted to a facility that works: `run` sizes, `first` draws the first design, `proof` tries it."""
