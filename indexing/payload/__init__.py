"""What a point says of its item, and in which markets and when it may be shown."""
