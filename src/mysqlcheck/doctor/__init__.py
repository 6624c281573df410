"""Everything that the check needs on a director, looked at: facts are gathered at the edge, pure rules judge them."""
