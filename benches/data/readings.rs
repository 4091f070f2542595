use std::collections::BTreeMap;
use std::fmt;

use crate::cipher::{Direction, Method};
use crate::outage::{Part, RedisState, Route};
use crate::question::Question;
use crate::statistics::median;

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Answers a second.
    Rate(Question),
    /// The server's CPU time an answer, in µs.
    Cpu(Question),
    /// Requests to Supabase an answer.
    Calls(Question),
    /// MB/s of texts of so many bytes.
    Cipher(usize, Direction, Method),
    /// Milliseconds; of [`Part::Slow`], percent.
    Latency(Route, RedisState, Part),
}

/// Everything measured: a value a round.
#[derive(Debug, Default)]
pub(crate) struct Readings(BTreeMap<Figure, Vec<f64>>);

/// The values of a figure, put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) minimum: f64,
    pub(crate) maximum: f64,
}

impl Readings {
    /// Keeps a value. A rate over no CPU tick at all, as in a very short window, is none.
    pub(crate) fn add(&mut self, figure: Figure, value: f64) {
        if value.is_finite() {
            self.0.entry(figure).or_default().push(value);
        }
    }

    /// Every figure with its values in the order of the rounds.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Figure, &[f64])> {
        self.0.iter().map(|(figure, values)| (*figure, values.as_slice()))
    }

    pub(crate) fn spread(&self, figure: Figure) -> Option<Spread> {
        Spread::of(self.values(figure).to_vec())
    }

    /// One figure over another of the same round.
    pub(crate) fn ratio(&self, of: Figure, to: Figure) -> Option<Spread> {
        self.compare(of, to, |of, to| of / to)
    }

    /// One figure less another of the same round.
    pub(crate) fn difference(&self, of: Figure, less: Figure) -> Option<Spread> {
        self.compare(of, less, |of, less| of - less)
    }

    fn compare(&self, one: Figure, other: Figure, how: fn(f64, f64) -> f64) -> Option<Spread> {
        let pairs = self.values(one).iter().zip(self.values(other));
        let compared = pairs.map(|(one, other)| how(*one, *other));
        Spread::of(compared.filter(|value| value.is_finite()).collect())
    }

    fn values(&self, figure: Figure) -> &[f64] {
        self.0.get(&figure).map_or(&[], Vec::as_slice)
    }
}

impl Spread {
    fn of(values: Vec<f64>) -> Option<Self> {
        let minimum = values.iter().copied().min_by(f64::total_cmp)?;
        let maximum = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { median: median(values)?, minimum, maximum })
    }
}

/// The name in JSON.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(question) => write!(f, "{}.per_second", question.key()),
            Self::Cpu(question) => write!(f, "{}.cpu_us", question.key()),
            Self::Calls(question) => write!(f, "{}.supabase_calls", question.key()),
            Self::Cipher(bytes, direction, method) => {
                write!(f, "{method}.{direction}.{bytes}.mb_per_second")
            }
            Self::Latency(route, state, part) => write!(f, "{route}.redis_{state}.{part}"),
        }
    }
}
