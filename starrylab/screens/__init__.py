"""What the console shows, one module and one style sheet per screen."""
