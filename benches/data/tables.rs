//! The figures as rows.

use crate::cipher::{Direction, Method, SIZES};
use crate::outage::{Part, RedisState, Route};
use crate::page::{self, number};
use crate::question::Question;
use crate::readings::{Figure, Readings, Spread};

pub(crate) fn requests(readings: &Readings) -> String {
    let head =
        ["a request", "answers/s", "of health", "of the peer", "CPU (µs)", "× health", "calls"];
    let mut rows = vec![head.map(str::to_owned)];
    for question in Question::ALL {
        let rate = Figure::Rate(question);
        let cpu = Figure::Cpu(question);
        let of_floor = question.floor().and_then(|floor| readings.ratio(rate, Figure::Rate(floor)));
        rows.push([
            question.title().to_owned(),
            cell(readings.spread(rate)),
            cell(readings.ratio(rate, Figure::Rate(Question::Health))),
            cell(of_floor),
            cell(readings.spread(cpu)),
            cell(readings.ratio(cpu, Figure::Cpu(Question::Health))),
            readings
                .spread(Figure::Calls(question))
                .map_or_else(none, |calls| number(calls.median)),
        ]);
    }
    page::table(&rows)
}

pub(crate) fn ciphers(readings: &Readings) -> String {
    let head = ["MB/s", "ring", "Fernet", "FieldCipher", "of ring", "× Fernet"];
    let mut rows = vec![head.map(str::to_owned)];
    for direction in Direction::ALL {
        for bytes in SIZES {
            let of = |method| Figure::Cipher(bytes, direction, method);
            rows.push([
                format!("{direction}, {} KB", bytes / 1_000),
                cell(readings.spread(of(Method::Ring))),
                cell(readings.spread(of(Method::Fernet))),
                cell(readings.spread(of(Method::Field))),
                cell(readings.ratio(of(Method::Field), of(Method::Ring))),
                cell(readings.ratio(of(Method::Field), of(Method::Fernet))),
            ]);
        }
    }
    page::table(&rows)
}

pub(crate) fn outages(readings: &Readings) -> String {
    let head = [
        "Redis",
        "p50 (ms)",
        "p99 (ms)",
        "max (ms)",
        "added p50",
        "added p99",
        "added max",
        "> 50 ms (%)",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for route in Route::ALL {
        for state in RedisState::ALL {
            let of = |state, part| Figure::Latency(route, state, part);
            let value = |part| cell(readings.spread(of(state, part)));
            let added = |part| match state {
                RedisState::Unknown => none(),
                _ => cell(readings.difference(of(state, part), of(RedisState::Unknown, part))),
            };
            rows.push([
                format!("{route}: {state}"),
                value(Part::P50),
                value(Part::P99),
                value(Part::Max),
                added(Part::P50),
                added(Part::P99),
                added(Part::Max),
                value(Part::Slow),
            ]);
        }
    }
    page::table(&rows)
}

/// The median, and between what the rounds lie.
fn cell(spread: Option<Spread>) -> String {
    spread.map_or_else(none, |Spread { median, minimum, maximum }| {
        format!("{} ({}..{})", number(median), number(minimum), number(maximum))
    })
}

fn none() -> String {
    "—".to_owned()
}
