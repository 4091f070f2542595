/// What a model is asked: orders in `system`, material in `user`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The orders.
    pub system: String,
    /// The source and the intent, marked as data.
    pub user: String,
}
