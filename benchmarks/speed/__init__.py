"""How much faster one way of computing something is than another, in one run on one machine."""
