//! The sealed door's file: made while all is well, opened by people when nothing else works (DESIGN 5.2).
//!
//! Nothing in here needs a server, a store or a directory: the command line opens a door with this module alone.
//!
//! A [`Sealed`] file holds a kubeconfig that is encrypted, in `age` format, to a key made for this one file; that key's
//! secret is split into one share for each recovery key, and each share is encrypted to its key. So every part can be
//! opened by other people's programs too (`docs/sealed-door.md` says how).

pub mod age;
mod file;
mod opening;

pub use file::{About, Content, OpenError, Opened, Sealed};
pub use opening::{Admission, Opening, OpeningError, Record, admit, rehearse};
