"""Evidence: one module per configuration format; files in, facts out, every file accounted for."""
