use super::worker::{Engine, Test};

pub fn tests(_engine: Engine) -> Vec<Test> {
    Vec::new()
}
