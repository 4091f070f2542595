//! What the product does. Speaks `domain` and the seams; names no web framework and no concrete backend.
