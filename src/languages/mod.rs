//! One file a language: syntax check, detection, prompt, test framework. No I/O.
