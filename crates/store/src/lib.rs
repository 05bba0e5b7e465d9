//! What Entrance remembers: durable transactions, migrations, the change feed and sealing at rest.
//!
//! [`Store::write`] is the only way to change something. Writes that queue up share one fsync; each is answered only
//! after that fsync (DESIGN 7). Readers see committed data and never wait for the writer.

mod arm;
pub mod audit;
pub mod authority;
pub mod directory;
mod edition;
mod error;
pub mod factors;
mod feed;
mod group;
mod key;
mod migrate;
mod operations;
mod policies;
mod row;
mod seal;
mod session;
mod setting;
mod sql;
mod write;

#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod write_tests;

pub use arm::{Arm, CustomRole, KeptDoor};
pub use audit::{AuditEvent, AuditRow};
pub use directory::Directory;
pub use edition::Area;
pub use error::StoreError;
pub use feed::{Change, ChangeKind, FeedPosition};
pub use group::{Decided, MadeToken};
pub use key::SealedKey;
pub use operations::{Lease, Operations};
pub use policies::Policies;
pub use seal::{SealError, SealingKey};
pub use session::{Read, Reader, Tx, Write};
pub use write::Store;
