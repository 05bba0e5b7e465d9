//! Keeping the audit log: who links it, and how reviews reach it.

pub(crate) mod reviews;
pub(crate) mod sealer;
