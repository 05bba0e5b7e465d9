//! The options: one table, a reader of words, and the values after the environment had its say.

mod duration;
mod environments;
mod parse;
mod settings;
pub(crate) mod table;

pub(crate) use parse::{BadWord, Given};
pub(crate) use settings::{
    BadOption, CLOUDS, Settings, cache, cache_dir, check_format, cloud, home, replacing, trust, variables,
};
pub(crate) use table::{FLAGS, Flag, On, Opt, Takes, Value};
