"""What an issuer lets be known of a token's next reset, and how that is worked out from its policy."""
