"""Sources: one module per log format; records become events. No source knows a rule."""
