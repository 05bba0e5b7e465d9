//! What memory may rest on: numbers that move with every commit that may have changed something.
//!
//! Whoever keeps a value in memory notes the number of its area *before* reading it from the store. As long as the number
//! is the same, nothing that was answered since has changed the value. The number moves after the commit and before
//! anybody is told of it, so the request that follows an answered change sees the change (decision 0026).

use std::sync::atomic::{AtomicU64, Ordering};

/// What a number is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Tenants, people, groups, applications, service principals, their roles and credentials; consent; policies; revocations.
    /// Wider than any one reader needs, so that nobody has to know which table a value came from.
    Directory,
    /// Second factors of people.
    Factors,
    /// Wrong client secrets.
    ClientTries,
}

/// The areas that a transaction may have changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched {
    directory: bool,
    factors: bool,
    client_tries: bool,
}

impl Touched {
    pub(crate) fn add(&mut self, area: Area) {
        match area {
            Area::Directory => self.directory = true,
            Area::Factors => self.factors = true,
            Area::ClientTries => self.client_tries = true,
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.directory |= other.directory;
        self.factors |= other.factors;
        self.client_tries |= other.client_tries;
    }

    pub(crate) const fn has_directory(self) -> bool {
        self.directory
    }
}

/// The numbers.
#[derive(Debug, Default)]
pub(crate) struct Editions {
    directory: AtomicU64,
    factors: AtomicU64,
    client_tries: AtomicU64,
}

impl Editions {
    pub(crate) fn of(&self, area: Area) -> u64 {
        match area {
            Area::Directory => self.directory.load(Ordering::Acquire),
            Area::Factors => self.factors.load(Ordering::Acquire),
            Area::ClientTries => self.client_tries.load(Ordering::Acquire),
        }
    }

    pub(crate) fn advance(&self, touched: Touched) {
        if touched.directory {
            self.directory.fetch_add(1, Ordering::AcqRel);
        }
        if touched.factors {
            self.factors.fetch_add(1, Ordering::AcqRel);
        }
        if touched.client_tries {
            self.client_tries.fetch_add(1, Ordering::AcqRel);
        }
    }
}
