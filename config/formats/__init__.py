"""How moments are written where no page of ours writes them: as everywhere else on the screens."""
