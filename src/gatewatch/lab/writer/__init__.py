"""Writers: one module per native format; each renders what a device would have written, and says what a reader should make of it."""
