"""MC dropout with frozen draws, of any network."""
