//! A call fails, or there is no space: a typed error, nothing half done, and no restart.

use std::path::Path;

use super::fs::{Disk, Fault};
use super::household::{Household, check_effects};
use super::{Manner, can_mount, is_deep, start, url};

/// What a child does on such a disk: the book with what it needs, imports, transactions, notes.
const OPERATIONS: u64 = 10;
const SEED: u64 = 80_000;

/// Which calls fail, one a run: a sample of them, or each.
fn sampled(calls: u64) -> impl Iterator<Item = u64> {
    let every = if is_deep() { 1 } else { (calls / 50).max(1) };
    // An uneven step, so that writes and syncs take turns.
    (1..=calls).step_by(usize::try_from(every | 1).unwrap())
}

/// Runs a child on a disk; tells what it said failed, and with which code.
fn run(disk: &Disk, meanwhile: impl Fn()) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let session = disk.mount(dir.path());
    let mut worker = start(Manner::Stubborn, SEED, 0..OPERATIONS, dir.path());
    let (mut failed, mut done) = (Vec::new(), 0);
    while let Some(mut said) = worker.says() {
        match said[0].as_str() {
            "done" if said[1] != "open" => {
                assert_eq!(said[1], done.to_string(), "after {failed:?}");
                done += 1;
            }
            "done" => {}
            "failed" => {
                meanwhile();
                failed.push((said.swap_remove(1), said.pop().unwrap()));
                worker.go_on();
            }
            _ => panic!("the child says {said:?}"),
        }
    }
    worker.end();
    Disk::unmount(session);
    assert_eq!(done, OPERATIONS, "all was done in the end, in one process: {failed:?}");
    failed
}

/// Fails unless the disk shows each operation once.
fn check(disk: &Disk, dir: &Path) {
    disk.save(dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let household = Household::open(&url(dir), SEED).await.unwrap();
        super::household::check(&household, OPERATIONS).await;
        check_effects(&household, OPERATIONS).await;
        household.engine.close().await;
    });
}

/// How many calls there are where none fails.
fn calls() -> u64 {
    let disk = Disk::new(Fault::None);
    assert_eq!(run(&disk, || ()), []);
    check(&disk, tempfile::tempdir().unwrap().path());
    disk.steps()
}

#[test]
fn a_call_that_fails_is_told_and_leaves_nothing_half_done() {
    // Holds: whichever write or sync fails, the caller hears that the store was unavailable, tries
    // again in the same process, and each operation is there once: on the disk as it is, and on
    // the disk after the power went. Nothing is acknowledged that a failed sync has lost.
    if !can_mount() {
        return;
    }
    let mut told = 0;
    for call in sampled(calls()) {
        let disk = Disk::new(Fault::Error(call));
        let failed = run(&disk, || ());
        for (what, code) in &failed {
            assert_eq!(code, "store_unavailable", "{what} at call {call}");
        }
        // How many calls there are differs a little from run to run.
        assert!(disk.failed() == 1 || disk.steps() < call, "call {call}");
        told += failed.len();
        check(&disk, tempfile::tempdir().unwrap().path());
        check(&disk.after_power_loss(None), tempfile::tempdir().unwrap().path());
    }
    assert!(told > 5, "failures are told: {told}");
}

#[test]
fn a_full_disk_is_told_and_forgotten_once_there_is_space() {
    // Holds: whenever the disk is full the caller hears of it, nothing is there by half, and once
    // there is space again the same process goes on.
    if !can_mount() {
        return;
    }
    let mut full = 0;
    for call in sampled(calls()) {
        let disk = Disk::new(Fault::Full(call));
        let space_again = || disk.set(Fault::None);
        let failed = run(&disk, space_again);
        for (what, code) in &failed {
            let told = ["storage_full", "store_unavailable"].contains(&code.as_str());
            assert!(told, "{what} at call {call}: {code}");
            full += u64::from(code == "storage_full");
        }
        check(&disk, tempfile::tempdir().unwrap().path());
        check(&disk.after_power_loss(None), tempfile::tempdir().unwrap().path());
    }
    assert!(full > 5, "it is told what is missing: {full}");
}
