//! Several instances on one Redis, and what becomes of them without it.

mod account;
mod answers;
mod instances;
mod limiter;
mod limits;
mod outages;
mod pages;
mod privacy;
mod tls;

use crate::case::Case;

pub fn cases() -> Vec<Case> {
    [
        account::cases(),
        answers::cases(),
        limiter::cases(),
        limits::cases(),
        outages::cases(),
        pages::cases(),
        privacy::cases(),
        tls::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
