use super::worker::Test;

pub fn tests() -> Vec<Test> {
    Vec::new()
}
