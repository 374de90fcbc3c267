"""How each language writes dates and times; what it does not say is Django's own."""
