//! `kubelogin remove-cache-dir`: forgets every token.

use entrance_client::cache::TokenCache;

use super::env;
use crate::failure::Failure;
use crate::options::{Given, cache_dir};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let folder = cache_dir(given, &env);
    TokenCache::at(&folder)
        .remove()
        .map_err(|source| Failure::Machine { doing: format!("cannot remove {}", folder.display()), source })
}
