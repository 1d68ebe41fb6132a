//! A disk that can fail: a file system in memory, mounted by FUSE, that remembers what was brought
//! to the disk and what was only written.
//!
//! What is written lives in the file as programs see it; `fsync` brings the pages that were written
//! since to the disk. A step is a call that changes something. At the step that a fault names, one
//! call fails, or all do from then on, or the power goes: then everything fails, and what is left
//! is what was on the disk, and of what was not a part that chance decides, page by page. A file's
//! first `fsync` brings its name to the disk, as on Linux's usual file systems; a name that was
//! taken away comes back, unless the directory was brought to the disk.
//!
//! The shared memory of the write-ahead log (`-shm`) is a file for its address alone: nothing
//! relies on its content, and a failure there would kill the process that maps it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fiscaflow_core::conformance::Random;
use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyEmpty, ReplyEntry, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

/// Attributes are asked for anew each time.
const TTL: Duration = Duration::ZERO;
const PAGE: usize = 4096;

/// What happens at a step, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// This call fails with an I/O error.
    Error(u64),
    /// From this call on there is no space, until it is given back.
    Full(u64),
    /// From this call on everything fails.
    PowerLoss(u64),
}

#[derive(Debug, Default, Clone)]
struct Node {
    now: Vec<u8>,
    on_disk: Vec<u8>,
    /// Pages that were written and not yet brought to the disk.
    written: BTreeSet<usize>,
    resized: bool,
    mode: u16,
    scratch: bool,
}

#[derive(Debug)]
struct State {
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<OsString, u64>,
    names_on_disk: BTreeMap<OsString, u64>,
    next: u64,
    steps: u64,
    fault: Fault,
    failed: u64,
    is_dead: bool,
    /// Says that all is on the disk when nothing is: what a program does that never asks.
    lies: bool,
}

/// The disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub fn new(fault: Fault) -> Self {
        Self(Arc::new(Mutex::new(State {
            nodes: BTreeMap::new(),
            names: BTreeMap::new(),
            names_on_disk: BTreeMap::new(),
            next: 2,
            steps: 0,
            fault,
            failed: 0,
            is_dead: false,
            lies: false,
        })))
    }

    /// The same disk, but one that brings nothing to itself however often it is asked.
    pub fn lying(self) -> Self {
        self.state().lies = true;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mounts it.
    pub fn mount(&self, at: &Path) -> BackgroundSession {
        self.try_mount(at).unwrap()
    }

    /// Mounts it, if this machine lets it.
    pub fn try_mount(&self, at: &Path) -> std::io::Result<BackgroundSession> {
        fuser::spawn_mount(self.clone(), at, &Config::default())
    }

    /// Unmounts it. Whoever serves it may be cut off in the middle of a call by that.
    pub fn unmount(session: BackgroundSession) {
        if let Err(error) = session.umount_and_join() {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted, "{error}");
        }
    }

    pub fn set(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// How many steps there were.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// How many calls failed.
    pub fn failed(&self) -> u64 {
        self.state().failed
    }

    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// The disk after the power came back: what was on it, and of what was only written the pages
    /// that chance kept; none at all for `None`.
    pub fn after_power_loss(&self, mut chance: Option<&mut Random>) -> Self {
        let state = self.state();
        let mut keeps = || chance.as_mut().is_some_and(|random| random.one_in(2));
        let mut nodes = BTreeMap::new();
        let names = if keeps() { &state.names } else { &state.names_on_disk };
        for ino in names.values() {
            let node = &state.nodes[ino];
            let mut left = node.on_disk.clone();
            if node.resized && keeps() {
                left.resize(node.now.len(), 0);
            }
            for page in &node.written {
                if keeps() {
                    copy_page(&node.now, &mut left, *page);
                }
            }
            let on_disk = left.clone();
            nodes.insert(*ino, Node { now: left, on_disk, mode: node.mode, ..Node::default() });
        }
        let after = Self::new(Fault::None);
        let mut fresh = after.state();
        (fresh.nodes, fresh.next) = (nodes, state.next);
        (fresh.names, fresh.names_on_disk) = (names.clone(), names.clone());
        drop(fresh);
        after
    }

    /// Writes the files as they are into a directory of a disk that works.
    pub fn save(&self, into: &Path) {
        let state = self.state();
        for (name, ino) in &state.names {
            if !state.nodes[ino].scratch {
                std::fs::write(into.join(name), &state.nodes[ino].now).unwrap();
            }
        }
    }
}

fn copy_page(from: &[u8], to: &mut Vec<u8>, page: usize) {
    let (start, end) = (page * PAGE, ((page + 1) * PAGE).min(from.len()));
    if start < end {
        if to.len() < end {
            to.resize(end, 0);
        }
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

impl State {
    /// Counts a step and says whether it fails.
    fn step(&mut self, is_space: bool) -> Result<(), Errno> {
        self.steps += 1;
        self.is_dead |= matches!(self.fault, Fault::PowerLoss(at) if self.steps >= at);
        let fails = match self.fault {
            _ if self.is_dead => Some(Errno::EIO),
            Fault::Error(at) if at == self.steps => Some(Errno::EIO),
            Fault::Full(at) if at <= self.steps && is_space => Some(Errno::ENOSPC),
            _ => None,
        };
        match fails {
            Some(error) => {
                self.failed += 1;
                Err(error)
            }
            None => Ok(()),
        }
    }

    fn ino(&self, name: &OsStr) -> Result<u64, Errno> {
        self.names.get(name).copied().ok_or(Errno::ENOENT)
    }

    fn node(&mut self, ino: INodeNo) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&ino.0).ok_or(Errno::ENOENT)
    }

    fn is_scratch(&self, ino: INodeNo) -> bool {
        self.nodes.get(&ino.0).is_some_and(|node| node.scratch)
    }

    fn attr(&self, ino: u64) -> Result<FileAttr, Errno> {
        let node = self.nodes.get(&ino);
        let (kind, perm, size) = match (ino, node) {
            (1, _) => (FileType::Directory, 0o700, 0),
            (_, Some(node)) => (FileType::RegularFile, node.mode, node.now.len() as u64),
            (_, None) => return Err(Errno::ENOENT),
        };
        let (ino, blocks) = (INodeNo(ino), size.div_ceil(512));
        let (atime, mtime, ctime, crtime) = (UNIX_EPOCH, UNIX_EPOCH, UNIX_EPOCH, UNIX_EPOCH);
        let (nlink, uid, gid, rdev, flags, blksize) = (1, 0, 0, 0, 0, 4096);
        Ok(FileAttr {
            ino,
            size,
            blocks,
            atime,
            mtime,
            ctime,
            crtime,
            kind,
            perm,
            nlink,
            uid,
            gid,
            rdev,
            blksize,
            flags,
        })
    }

    fn create(&mut self, name: &OsStr, mode: u32) -> Result<FileAttr, Errno> {
        let scratch = name.to_string_lossy().ends_with("-shm");
        if !scratch {
            self.step(true)?;
        }
        let ino = self.next;
        self.next += 1;
        let mode = u16::try_from(mode & 0o777).unwrap_or(0o600);
        self.nodes.insert(ino, Node { mode, scratch, ..Node::default() });
        self.names.insert(name.to_owned(), ino);
        self.attr(ino)
    }

    fn write(&mut self, ino: INodeNo, offset: u64, data: &[u8]) -> Result<(), Errno> {
        if !self.is_scratch(ino) {
            self.step(true)?;
        }
        let node = self.node(ino)?;
        let start = usize::try_from(offset).map_err(|_| Errno::EFBIG)?;
        let end = start + data.len();
        if node.now.len() < end {
            node.now.resize(end, 0);
            node.resized = true;
        }
        node.now[start..end].copy_from_slice(data);
        node.written.extend(start / PAGE..end.div_ceil(PAGE));
        Ok(())
    }

    fn resize(&mut self, ino: INodeNo, size: u64) -> Result<(), Errno> {
        if !self.is_scratch(ino) {
            self.step(false)?;
        }
        let node = self.node(ino)?;
        node.now.resize(usize::try_from(size).map_err(|_| Errno::EFBIG)?, 0);
        node.resized = true;
        Ok(())
    }

    fn sync(&mut self, ino: INodeNo) -> Result<(), Errno> {
        if !self.is_scratch(ino)
            && let Err(error) = self.step(false)
        {
            // Linux forgets: the next `fsync` says that all is well, and it is not.
            if !self.is_dead {
                self.node(ino)?.written.clear();
            }
            return Err(error);
        }
        if self.lies {
            return Ok(());
        }
        let node = self.node(ino)?;
        node.on_disk.resize(node.now.len(), 0);
        for page in std::mem::take(&mut node.written) {
            copy_page(&node.now, &mut node.on_disk, page);
        }
        node.resized = false;
        let named: Vec<_> = self.names.iter().filter(|(_, it)| **it == ino.0).collect();
        let named: Vec<_> = named.into_iter().map(|(name, ino)| (name.clone(), *ino)).collect();
        self.names_on_disk.extend(named);
        Ok(())
    }
}

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.state();
        match state.ino(name).and_then(|ino| state.attr(ino)) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.state().attr(ino.0) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.state();
        let changed = match size {
            Some(size) => state.resize(ino, size),
            None => Ok(()),
        };
        if let (Some(mode), Ok(node)) = (mode, state.node(ino)) {
            node.mode = u16::try_from(mode & 0o777).unwrap_or(0o600);
        }
        match changed.and_then(|()| state.attr(ino.0)) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.state().create(name, mode) {
            Ok(attr) => {
                let none = FopenFlags::empty();
                reply.created(&TTL, &attr, Generation(0), FileHandle(0), none);
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut state = self.state();
        let scratch = name.to_string_lossy().ends_with("-shm");
        let stepped = if scratch { Ok(()) } else { state.step(false) };
        match stepped.and_then(|()| state.names.remove(name).ok_or(Errno::ENOENT)) {
            Ok(_) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        to: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.state();
        let stepped = state.step(false);
        match stepped.and_then(|()| state.names.remove(name).ok_or(Errno::ENOENT)) {
            Ok(ino) => {
                state.names.insert(to.to_owned(), ino);
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut state = self.state();
        if state.is_dead && !state.is_scratch(ino) {
            return reply.error(Errno::EIO);
        }
        match state.node(ino) {
            Ok(node) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(node.now.len());
                let end = start.saturating_add(size as usize).min(node.now.len());
                reply.data(&node.now[start..end]);
            }
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.state().write(ino, offset, data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(0)),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        match self.state().sync(ino) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.state();
        match state.step(false) {
            Ok(()) => {
                state.names_on_disk = state.names.clone();
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }
}
