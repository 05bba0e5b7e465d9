//! The file of used proofs: appended to by one thread, read at the start.
//!
//! A record is a digest and the second the proof was made. A write that reached the kernel survives a kill of the process;
//! what a crash of the whole machine takes is covered by the floor: each file names the start of the machine it was written
//! in, and unless it was closed in order, a later start trusts no proof that could have been used before it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use entrance_model::review::Proof;
use tokio::sync::oneshot;

use super::Digest;
use crate::data_dir::write_whole;

/// The journal's thread. Dropping it closes the file in order.
pub(super) struct Journal {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What a journal held.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) used: Vec<(Digest, i64)>,
    pub(super) floor: i64,
}

enum Order {
    Write(Record, oneshot::Sender<bool>),
    Turn { floor: i64 },
}

impl Journal {
    /// Reads all files, writes what still matters into a new one, and starts the thread.
    pub(super) fn open(folder: &Path, now: i64, boot: Option<&str>) -> io::Result<(Self, Kept)> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let files = files(folder)?;
        let mut kept = Kept { used: Vec::new(), floor: i64::MIN };
        for (n, (_, path)) in files.iter().enumerate() {
            let is_last = n + 1 == files.len();
            let content = fs::read(path)?;
            let read = Content::read(&content);
            let is_whole = read.as_ref().is_some_and(|read| !is_last || read.is_closed || (boot.is_some() && read.boot == boot));
            if !is_whole {
                tracing::warn!(path = %path.display(), "some used proofs of possession may be lost; earlier ones are refused");
                kept.floor = kept.floor.max(now + Proof::AHEAD + 1);
            }
            let Some(read) = read else { continue };
            kept.floor = kept.floor.max(read.floor);
            kept.used.extend(read.records());
        }
        let (live, over): (Vec<_>, Vec<_>) = kept.used.into_iter().partition(|(_, made)| *made >= now - Proof::LIFE);
        kept.floor = kept.floor.max(over.iter().map(|(_, made)| made.saturating_add(1)).max().unwrap_or(i64::MIN));
        kept.used = live;
        let next = files.last().map_or(0, |(number, _)| number + 1);
        let mut writer = Writer {
            folder: folder.to_owned(),
            boot: boot.map(str::to_owned),
            number: next,
            file: create(folder, next, boot, &kept)?,
            length: 0,
            is_broken: false,
        };
        writer.length = writer.file.metadata()?.len();
        for (_, path) in &files {
            fs::remove_file(path)?;
        }
        let (orders, told) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("proofs".into()).spawn(move || writer.run(&told))?;
        Ok((Self { orders: Some(orders), thread: Some(thread) }, kept))
    }

    /// Writes a use down. The receiver is told `true` when that is done; when there is no word, it was not.
    pub(super) fn write(&self, digest: Digest, made: i64) -> oneshot::Receiver<bool> {
        let (done, told) = oneshot::channel();
        if let Some(orders) = &self.orders {
            // A queue that is full drops the sender, and the receiver hears that nobody will answer.
            let _ = orders.try_send(Order::Write(record(digest, made), done));
        }
        told
    }

    /// Begins a new file, and removes the one before the present one.
    pub(super) fn turn(&self, floor: i64) {
        if let Some(orders) = &self.orders {
            // Missing a turn keeps a file longer than needed, and no more.
            let _ = orders.try_send(Order::Turn { floor });
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer {
    folder: PathBuf,
    boot: Option<String>,
    number: u64,
    file: File,
    length: u64,
    /// Half a record may stand at the end of the file and could not be taken away.
    is_broken: bool,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Write(record, done) => drop(done.send(self.append(&record))),
                Order::Turn { floor } => {
                    if let Err(error) = self.turn(floor) {
                        tracing::error!(%error, "a new file for used proofs of possession cannot be begun");
                    }
                }
            }
        }
        if self.append(&CLOSED) {
            let _ = self.file.sync_all();
        }
    }

    fn append(&mut self, record: &Record) -> bool {
        if self.is_broken {
            return false;
        }
        match self.file.write_all(record) {
            Ok(()) => {
                self.length += record.len() as u64;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the use of a proof of possession cannot be written down");
                self.is_broken = self.file.set_len(self.length).is_err();
                false
            }
        }
    }

    fn turn(&mut self, floor: i64) -> io::Result<()> {
        self.file.sync_all()?;
        let next = self.number + 1;
        self.file = create(&self.folder, next, self.boot.as_deref(), &Kept { used: Vec::new(), floor })?;
        self.length = self.file.metadata()?.len();
        self.is_broken = false;
        let before_last = self.number.checked_sub(1).map(|number| path(&self.folder, number));
        self.number = next;
        match before_last.map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// What stands in a file.
struct Content<'c> {
    boot: Option<&'c str>,
    floor: i64,
    body: &'c [u8],
    is_closed: bool,
}

impl<'c> Content<'c> {
    fn read(content: &'c [u8]) -> Option<Self> {
        let end = content.iter().take(LONGEST_HEADER).position(|byte| *byte == b'\n')?;
        let header = std::str::from_utf8(&content[..end]).ok()?.strip_prefix(MAGIC)?;
        let (boot, floor) = header.split_once(' ')?;
        let body = &content[end + 1..];
        // Half a record at the end belongs to a use that was never answered.
        let is_closed = body.chunks_exact(size_of::<Record>()).last() == Some(&CLOSED[..]);
        Some(Self { boot: Some(boot).filter(|boot| *boot != UNKNOWN), floor: floor.parse().ok()?, body, is_closed })
    }

    fn records(&self) -> impl Iterator<Item = (Digest, i64)> {
        let whole = self.body.as_chunks::<{ size_of::<Record>() }>().0;
        whole.iter().filter(|record| **record != CLOSED).map(|record| {
            let (mut digest, mut made) = (Digest::default(), [0; 8]);
            digest.copy_from_slice(&record[..16]);
            made.copy_from_slice(&record[16..]);
            (digest, i64::from_le_bytes(made))
        })
    }
}

/// Makes a file that is there as a whole or not at all.
fn create(folder: &Path, number: u64, boot: Option<&str>, kept: &Kept) -> io::Result<File> {
    let path = path(folder, number);
    let mut content = format!("{MAGIC}{} {}\n", boot.unwrap_or(UNKNOWN), kept.floor).into_bytes();
    content.extend(kept.used.iter().flat_map(|(digest, made)| record(*digest, *made)));
    write_whole(&path, &content, 0o600)?;
    OpenOptions::new().append(true).mode(0o600).open(&path)
}

fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".log")?.parse().ok());
        files.extend(number.map(|number| (number, path)));
    }
    files.sort();
    Ok(files)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.log"))
}

fn record(digest: Digest, made: i64) -> Record {
    let mut record = Record::default();
    record[..16].copy_from_slice(&digest);
    record[16..].copy_from_slice(&made.to_le_bytes());
    record
}

type Record = [u8; 24];

/// Stands at the end of a file that was closed in order and reached the disk. No digest is all zeros.
const CLOSED: Record = [0; 24];
const MAGIC: &str = "used proofs 1 ";
const UNKNOWN: &str = "-";
const LONGEST_HEADER: usize = 256;
/// Uses that wait to be written; more than that is more than a disk that works lets come together.
const WAITING: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_writes_nothing_down_and_says_so() {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer =
            Writer { folder: folder.path().to_owned(), boot: None, number: 0, file: full, length: 0, is_broken: false };
        assert!(!writer.append(&record([1; 16], 1)));
        assert!(!writer.append(&record([2; 16], 1)));
        // Room again, and a new period: it goes on.
        writer.file = create(folder.path(), 0, None, &Kept::default()).expect("a file");
        writer.turn(7).expect("turns");
        assert!(writer.append(&record([3; 16], 1)));
        let content = fs::read(path(folder.path(), 1)).expect("it is there");
        let read = Content::read(&content).expect("it reads");
        assert_eq!((read.floor, read.records().count(), read.is_closed), (7, 1, false));
    }
}
