use std::pin::Pin;

/// A test: its name, and what it does.
pub struct Case {
    pub name: String,
    pub run: Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>,
}

impl Case {
    /// Makes one of an async function. The future stays on the thread that makes it.
    pub fn new<F>(name: &str, run: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        Self { name: name.to_owned(), run: Box::new(move || Box::pin(run())) }
    }
}
