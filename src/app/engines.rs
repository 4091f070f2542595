//! Which engine makes this process's sandboxes, and the proof that it does.
