//! Finding, reading and writing kubeconfigs as kubectl does, but all files or none.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use entrance_wire::kubeconfig::edit::{Changes, Document, Edited, User};

use super::ConvertError;
use crate::commands::kubeconfig::{self, LARGEST};
use crate::replace::{Locks, Staged};

/// All files together; of two users with one name the first counts.
pub(super) struct Kubeconfigs {
    files: Vec<Kubeconfig>,
}

/// One file.
pub(super) struct Kubeconfig {
    pub(super) path: PathBuf,
    pub(super) document: Document,
}

/// What a file becomes.
pub(super) struct Planned<'a> {
    pub(super) file: &'a Kubeconfig,
    pub(super) edited: Edited,
}

impl Kubeconfigs {
    /// `explicit`, else the list in `KUBECONFIG`, else the file in the home folder.
    pub(super) fn load(explicit: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConvertError> {
        let (paths, must_exist) = kubeconfig::paths(explicit, env);
        let mut files: Vec<Kubeconfig> = Vec::new();
        let mut seen = HashSet::new();
        for path in paths {
            let unloadable = |why: String| ConvertError::Load(format!("{}: {why}", path.display()));
            let Some(text) = kubeconfig::read(&path, must_exist).map_err(unloadable)? else { continue };
            // Also one file under two names is one file.
            if seen.insert(std::fs::canonicalize(&path).map_err(|error| unloadable(error.to_string()))?) {
                let document = Document::read(text).map_err(|error| unloadable(error.to_string()))?;
                files.push(Kubeconfig { path, document });
            }
        }
        Ok(Self { files })
    }

    /// The user of a context.
    pub(super) fn user_of(&self, context: &str) -> Option<&str> {
        self.files.iter().flat_map(|file| file.document.contexts()).find(|(name, _)| *name == context).map(|(_, user)| user)
    }

    /// The names of the contexts of all files.
    pub(super) fn contexts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|file| file.document.contexts()).map(|(name, _)| name)
    }

    /// The users of all files, each with the place of its file.
    pub(super) fn users(&self) -> impl Iterator<Item = (usize, User<'_>)> {
        let mut seen = HashSet::new();
        let all = self.files.iter().enumerate().flat_map(|(file, config)| config.document.users().map(move |user| (file, user)));
        all.filter(move |(_, user)| seen.insert(user.name))
    }

    /// What the files become: those in which something changes.
    pub(super) fn planned(&self, changes: &[Changes]) -> Result<Vec<Planned<'_>>, ConvertError> {
        let touched = self.files.iter().zip(changes).filter(|(_, changes)| !changes.is_empty());
        let planned = touched.map(|(file, changes)| Planned { file, edited: file.document.edited(changes) });
        let planned: Vec<_> = planned.filter(|planned| planned.edited.text != planned.file.document.text()).collect();
        // What would not be read again is not written.
        match planned.iter().find(|one| one.edited.text.len() as u64 > LARGEST) {
            Some(one) => Err(ConvertError::Grown { file: one.file.path.display().to_string(), most: LARGEST >> 20 }),
            None => Ok(planned),
        }
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// How a write ended well.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    /// Another program changed a file meanwhile; nothing was written.
    Outdated,
}

/// Writes all of them: first beside their files, and only when the last one is whole they take their places.
pub(super) fn write(all: &[Planned<'_>]) -> Result<Written, ConvertError> {
    let failed = |path: &Path, done: &[String]| {
        let (file, done) = (path.display().to_string(), done.to_vec());
        move |source| ConvertError::Write { file, source, done }
    };
    let Some(first) = all.first() else { return Ok(Written::Yes) };
    let _locks = Locks::take(all.iter().map(|one| one.file.path.as_path())).map_err(failed(&first.file.path, &[]))?;
    let mut staged = Vec::with_capacity(all.len());
    for one in all {
        let path = &one.file.path;
        if std::fs::read(path).map_err(failed(path, &[]))? != one.file.document.text().as_bytes() {
            return Ok(Written::Outdated);
        }
        staged.push((path, Staged::write(path, &one.edited.text).map_err(failed(path, &[]))?));
    }
    let mut done = Vec::new();
    for (path, one) in staged {
        one.place().map_err(failed(path, &done))?;
        done.push(path.display().to_string());
    }
    Ok(Written::Yes)
}
