//! On a real PostgreSQL, with Supabase Lite in front of it.

mod access;
mod accounts;
mod app;
mod concurrency;
mod faults;
mod migrations;
mod paging;
mod restart;
mod rotation;
mod shape;
mod upgrade;

use std::sync::{Arc, OnceLock};

use crate::case::Case;
use crate::stack::lite::{self, Project};
use crate::stack::postgres::Cluster;

/// Makes `cases()` of async functions that take what all cases share.
macro_rules! case_list {
    ($($name:ident)*) => {
        pub fn cases(
            shared: &std::sync::Arc<crate::supabase::Shared>,
        ) -> Vec<crate::case::Case> {
            vec![$({
                let shared = std::sync::Arc::clone(shared);
                let module = module_path!().trim_start_matches("data::supabase::");
                let name = format!("{module}::{}", stringify!($name));
                crate::case::Case::new(name, move || $name(shared))
            }),*]
        }
    };
}
use case_list;

/// What is started once, by the first case that asks for it, and ends with the last case.
#[derive(Default)]
pub struct Shared {
    // Ends first.
    project: OnceLock<Project>,
    cluster: OnceLock<Arc<Cluster>>,
}

impl Shared {
    /// A server for cases that leave it running.
    pub fn cluster(&self) -> &Arc<Cluster> {
        self.cluster.get_or_init(Cluster::start)
    }

    /// A project for cases that keep to users of their own.
    pub fn project(&self) -> &Project {
        self.project.get_or_init(|| Project::serve(lite::migrated(self.cluster())))
    }
}

pub fn cases() -> Vec<Case> {
    let shared: Arc<Shared> = Arc::default();
    [
        access::cases,
        accounts::cases,
        concurrency::cases,
        faults::cases,
        migrations::cases,
        paging::cases,
        restart::cases,
        rotation::cases,
        upgrade::cases,
    ]
    .into_iter()
    .flat_map(|cases| cases(&shared))
    .collect()
}
