//! The power goes, at any step of any write: what was acknowledged is there, whole.

use std::path::Path;

use fiscaflow_core::conformance::{Random, fsck};

use super::fs::{Disk, Fault};
use super::household::{Household, check, check_effects, operation};
use super::{Manner, can_mount, household, is_deep, start, url};

/// After so many cuts a fresh disk is taken, so that checking everything stays quick.
const CUTS_OF_A_DISK: u64 = 5;
/// More steps than what a child does between two cuts, mostly.
const STEPS: usize = 700;

fn cuts() -> u64 {
    if is_deep() { 1_000 } else { 50 }
}

/// What came of a cut: the disk afterwards, and how many operations were acknowledged.
struct Cut {
    after: Disk,
    acknowledged: u64,
}

/// Has a child work from the first operation on until the power goes.
fn cut(disk: &Disk, manner: Manner, seed: u64, first: u64, random: &mut Random) -> Cut {
    let dir = tempfile::tempdir().unwrap();
    disk.set(Fault::PowerLoss(1 + random.below(STEPS) as u64));
    let session = disk.mount(dir.path());
    let mut worker = start(manner, seed, first..u64::MAX, dir.path());
    let mut acknowledged = first;
    while let Some(said) = worker.says() {
        match said[0].as_str() {
            "done" if said[1] != "open" => {
                assert_eq!(said[1], acknowledged.to_string());
                acknowledged += 1;
            }
            "done" => {}
            "failed" => assert!(disk.is_dead(), "{said:?}"),
            _ => panic!("the child says {said:?}"),
        }
    }
    worker.end();
    Disk::unmount(session);
    assert!(disk.is_dead(), "the child worked until the power went");
    let nothing_more = random.one_in(2);
    let after = disk.after_power_loss(Some(random).filter(|_| !nothing_more));
    Cut { after, acknowledged }
}

/// Opens what is on a disk.
async fn opened(disk: &Disk, dir: &Path, seed: u64) -> fiscaflow_core::Result<Household> {
    disk.save(dir);
    Household::open(&url(dir), seed).await
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn what_was_acknowledged_survives_every_loss_of_power() {
    // Holds: over all cuts nothing acknowledged is lost, nothing is doubled or there in part,
    // histories verify, rows follow from them, and a repeated request has one effect.
    if !can_mount() {
        return;
    }
    let [operations, lucky] = std::thread::scope(|scope| {
        let workers = [0, 1].map(|worker| scope.spawn(move || cut_many(cuts() / 2, worker)));
        let [[operations, lucky], other] = workers.map(|worker| worker.join().unwrap());
        [operations + other[0], lucky + other[1]]
    });
    println!("{} cuts, {operations} operations, {lucky} made but not acknowledged", cuts());
    assert!(operations > cuts(), "children came to work: {operations} operations");
}

/// Cuts the power on one disk after the other; returns operations, and operations that were made
/// but not acknowledged.
fn cut_many(cuts: u64, worker: u64) -> [u64; 2] {
    let mut random = Random::new(47 + worker);
    let (mut disk, mut done, mut operations, mut lucky) = (Disk::new(Fault::None), 0, 0, 0);
    for number in 0..cuts {
        let seed = 50_000 + 5_000 * worker + number / CUTS_OF_A_DISK;
        if number % CUTS_OF_A_DISK == 0 {
            (disk, done) = (Disk::new(Fault::None), 0);
        }
        let Cut { after, acknowledged } = cut(&disk, Manner::Once, seed, done, &mut random);
        let dir = tempfile::tempdir().unwrap();
        block_on(async {
            let household = opened(&after, dir.path(), seed).await.unwrap();
            let survived = check(&household, acknowledged).await;
            lucky += survived - acknowledged;
            operations += survived - done;
            done = survived;
            if !matches!(operation(seed, survived), household::Operation::Edit(_)) {
                household.perform(survived).await;
                household.perform(survived).await;
                check_effects(&household, survived + 1).await;
            }
            household.engine.close().await;
        });
        disk = after;
    }
    [operations, lucky]
}

/// How many cuts it takes until something acknowledged is missing, or the file cannot be read.
fn cuts_until_loss(lies: bool, manner: Manner, most: u64) -> Option<u64> {
    let mut random = Random::new(11);
    (1..=most).find(|number| {
        let seed = 60_000 + number;
        let disk = Disk::new(Fault::None);
        let disk = if lies { disk.lying() } else { disk };
        let Cut { after, acknowledged } = cut(&disk, manner, seed, 0, &mut random);
        let dir = tempfile::tempdir().unwrap();
        block_on(async {
            let Ok(household) = opened(&after, dir.path(), seed).await else { return true };
            let head = household.store.head(household.book_id());
            let lost = match head.await {
                Ok(head) => head.map_or(0, |head| head.seq) < acknowledged,
                Err(_) => true,
            };
            household.engine.close().await;
            lost
        })
    })
}

#[test]
fn a_database_that_is_never_synced_loses_what_was_acknowledged() {
    // Holds: the harness sees a loss where there has to be one. On a disk that brings nothing to
    // itself, which is what `synchronous = OFF` makes of every disk, some cut loses something.
    if !can_mount() {
        return;
    }
    let found = cuts_until_loss(true, Manner::Once, 20);
    assert!(found.is_some(), "the harness is blind");
}

#[test]
fn who_does_not_wait_for_the_disk_loses_the_newest_alone() {
    // Holds: `MayLoseLastCommits` does lose acknowledged commits, and is what it says all the same:
    // a whole beginning of the history that verifies.
    if !can_mount() {
        return;
    }
    assert!(cuts_until_loss(false, Manner::Hasty, 20).is_some(), "nothing was lost");
    let mut random = Random::new(12);
    for number in 0..cuts() / 5 {
        let seed = 70_000 + number;
        let disk = Disk::new(Fault::None);
        let Cut { after, acknowledged } = cut(&disk, Manner::Hasty, seed, 0, &mut random);
        let dir = tempfile::tempdir().unwrap();
        block_on(async {
            let household = opened(&after, dir.path(), seed).await.unwrap();
            let done = fsck(&*household.store, household.book_id()).await.len() as u64;
            assert!(done <= acknowledged + 1, "{done} of {acknowledged}");
            check_effects(&household, done).await;
            household.engine.close().await;
        });
    }
}
