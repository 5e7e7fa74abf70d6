"""Markets in the formats of other tools: one file a format. Whatever is written here, `market_data` reads back."""
