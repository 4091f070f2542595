//! Which names a text binds at its top level, and to what: the part of scoping that manifests and
//! preparation need.

pub(super) mod javascript;
pub(super) mod python;
