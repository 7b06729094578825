"""Events from browsers: /collect and the pixel."""
