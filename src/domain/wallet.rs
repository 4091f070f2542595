use serde::Serialize;

use super::{GenerationId, UserId};

/// Tokens in a wallet. Never negative.
pub type Tokens = u32;

/// The state of a wallet as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WalletBalance {
    /// Tokens left.
    pub current_tokens: Tokens,
    /// Whether today's bonus (UTC day) is in the balance.
    pub daily_bonus_claimed: bool,
}

/// What a new wallet and a new day bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletGifts {
    /// Tokens a wallet is opened with.
    pub welcome: Tokens,
    /// Tokens claimed once a UTC day.
    pub daily: Tokens,
}

/// The price of one generation, taken before the model is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Who pays.
    pub user: UserId,
    /// How much. Never zero.
    pub amount: Tokens,
    /// For which generation: a charge and a refund happen at most once a reference.
    pub reference: GenerationId,
}

/// What came of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deduction {
    /// Taken.
    Deducted {
        /// Tokens left.
        balance: Tokens,
    },
    /// Not taken: the wallet holds too little.
    Insufficient {
        /// Tokens in the wallet.
        current: Tokens,
    },
    /// Not taken: this user never opened a wallet.
    NoWallet,
}

/// What came of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refund {
    /// Given back.
    Refunded {
        /// Tokens now in the wallet.
        balance: Tokens,
    },
    /// This charge was refunded or settled before; nothing changed.
    AlreadyClosed,
}
