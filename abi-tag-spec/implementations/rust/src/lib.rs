//! The ABI tag of wheels that share one C++ and CUDA runtime: `cxxrt1_cp312`, `cxxrt1_cu12_cp312`.
//!
//! An installer needs [`tag`], [`wheel`] and [`supported`]: it expands the list of tags that it has
//! ([`supported::Environment::expand`]) and compares as before. The other modules are for tools that
//! build and check wheels, and for the runtime's loader. Nothing here reads a file.
//!
//! `S-2` and the like are sentences of the specification, `abi-tag-spec/README.md`.

pub mod bounds;
pub mod elf;
pub mod loader;
mod names;
pub mod number;
mod pep440;
pub mod policy;
pub mod providers;
pub mod rejection;
pub mod supported;
pub mod tag;
pub mod variant;
pub mod wheel;
