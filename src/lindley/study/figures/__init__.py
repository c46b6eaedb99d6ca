"""The six figures, one file each, drawn from what the journals say."""
