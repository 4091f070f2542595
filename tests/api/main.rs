//! Black-box tests: HTTP in, HTTP out, the whole program in between.

mod killed;
mod leaving;
mod slow_dependencies;
mod streaming;
mod support;
