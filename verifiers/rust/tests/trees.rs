//! Every proof of every small tree is accepted, and nothing that was made of it; an independent
//! crate says the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests report by panicking")]

mod shared;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use fiscaflow_verifier::{Digest, check_consistency, check_inclusion};
use sha2::Sha256;

use shared::{Random, leaves};

/// The largest tree whose proofs are all looked at.
const SIZES: u64 = 256;
/// The largest of them whose paths are also made by the definition, which takes long.
const PLAIN: u64 = 64;

type Oracle = MemoryBackedTree<Sha256, [u8; 8]>;

/// Every bit of every hash, on request; else one bit of each.
fn deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}

/// Trees of the crate `ct-merkle` over the same leaves, from one leaf on.
fn oracles() -> impl Iterator<Item = (u64, Oracle)> {
    let mut tree = Oracle::new();
    (1..=SIZES).map(move |size| {
        tree.push((size - 1).to_be_bytes());
        (size, tree.clone())
    })
}

fn digests(bytes: &[u8]) -> Vec<Digest> {
    bytes.as_chunks().0.to_vec()
}

/// Everything that is made of a path by one change: bits, hashes that are missing, doubled, in
/// excess, or in each other's place.
fn changed(path: &[Digest], random: &mut Random) -> Vec<Vec<Digest>> {
    let mut all = Vec::new();
    for place in 0..path.len() {
        let one = random.place(256);
        for bit in if deep() { 0..256 } else { one..one + 1 } {
            let mut flipped = path.to_vec();
            flipped[place][bit / 8] ^= 1 << (bit % 8);
            all.push(flipped);
        }
        let mut doubled = path.to_vec();
        doubled.insert(place, path[place]);
        all.push(doubled);
        let mut missing = path.to_vec();
        missing.remove(place);
        all.push(missing);
        if place > 0 {
            let mut swapped = path.to_vec();
            swapped.swap(place - 1, place);
            all.push(swapped);
            all.push(path[..place].to_vec());
        }
    }
    for further in [[0; 32], path.first().copied().unwrap_or([7; 32])] {
        all.push([path, &[further]].concat());
        all.push([&[further], path].concat());
    }
    all.retain(|it| it != path);
    all
}

#[test]
fn every_inclusion_in_every_small_tree() {
    // Holds: for every leaf of every tree of 1 to 256 leaves the path of `ct-merkle`, which in
    // trees of up to 64 is also that of the definition, is accepted; with another leaf, index or
    // root, or changed in any way, it is not.
    let all = leaves(SIZES);
    let mut random = Random(1);
    let (mut good, mut bad) = (0, 0);
    for (size, oracle) in oracles() {
        let within = &all[..usize::try_from(size).unwrap()];
        let root = shared::root(within);
        assert_eq!(oracle.root().as_bytes().as_slice(), root);
        for index in 0..size {
            let place = usize::try_from(index).unwrap();
            let path = digests(oracle.prove_inclusion(place).as_bytes());
            if size <= PLAIN {
                assert_eq!(path, shared::inclusion(place, within));
            }
            let leaf = &within[place];
            assert!(check_inclusion(leaf, index, size, &path, &root), "{index} of {size}");
            good += 1;
            let other = random.place(256);
            let mut wrong = root;
            wrong[other / 8] ^= 1 << (other % 8);
            assert!(!check_inclusion(leaf, index, size, &path, &wrong));
            assert!(!check_inclusion(&wrong, index, size, &path, &root));
            for other in [index ^ 1, index + 1, index.wrapping_sub(1), size, u64::MAX] {
                assert!(!check_inclusion(leaf, other, size, &path, &root), "{other} of {size}");
            }
            assert!(!check_inclusion(leaf, index, 0, &path, &root));
            for path in changed(&path, &mut random) {
                assert!(!check_inclusion(leaf, index, size, &path, &root), "{index} of {size}");
                bad += 1;
            }
        }
    }
    assert_eq!(good, SIZES * (SIZES + 1) / 2);
    assert!(bad > 20 * good, "{bad}");
}

#[test]
fn every_consistency_between_small_trees() {
    // Holds: for every pair of trees of 1 to 256 leaves the path of `ct-merkle`, which in trees of
    // up to 64 is also that of the definition, is accepted; with another root, or changed in any
    // way, it is not.
    let all = leaves(SIZES);
    let roots: Vec<Digest> = (1..=all.len()).map(|size| shared::root(&all[..size])).collect();
    let root = |size: u64| &roots[usize::try_from(size).unwrap() - 1];
    let mut random = Random(2);
    let (mut good, mut bad) = (0, 0);
    for (size, oracle) in oracles() {
        let within = &all[..usize::try_from(size).unwrap()];
        for old in 1..=size {
            let added = usize::try_from(size - old).unwrap();
            let path = digests(oracle.prove_consistency(added).as_bytes());
            if size <= PLAIN {
                assert_eq!(path, shared::consistency(usize::try_from(old).unwrap(), within));
            }
            let (older, newer) = (root(old), root(size));
            assert!(check_consistency(old, older, size, newer, &path), "{old} to {size}");
            good += 1;
            let place = random.place(256);
            let mut wrong = *older;
            wrong[place / 8] ^= 1 << (place % 8);
            assert!(!check_consistency(old, &wrong, size, newer, &path));
            assert!(!check_consistency(old, older, size, &wrong, &path));
            if old != size {
                assert!(!check_consistency(old, newer, size, older, &path));
                assert!(!check_consistency(size, newer, old, older, &path));
            }
            assert!(!check_consistency(0, older, size, newer, &path));
            for path in changed(&path, &mut random) {
                assert!(!check_consistency(old, older, size, newer, &path), "{old} to {size}");
                bad += 1;
            }
        }
    }
    assert_eq!(good, SIZES * (SIZES + 1) / 2);
    assert!(bad > 20 * good, "{bad}");
}

#[test]
fn whatever_comes_is_judged_like_by_the_definition() {
    // Holds: for sizes, indices and paths of any kind, good ones with a change among them, the
    // verifier and the plain check by the definition agree.
    let all = leaves(70);
    let mut random = Random(3);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let size = 1 + random.place(all.len());
        let within = &all[..size];
        let (root, place) = (shared::root(within), random.place(size));
        let mut near = |number: usize| {
            let number = number as u64;
            match random.below(6) {
                0 => random.below(72),
                1 => number + 1,
                2 => number.wrapping_sub(1),
                3 => 1 << random.below(64),
                _ => number,
            }
        };
        let (index, claimed) = (near(place), near(size));
        let mut path = shared::inclusion(place, within);
        let mut proof = shared::consistency(place + 1, within);
        let old_root = shared::root(&all[..=place]);
        let old = near(place + 1);
        if random.below(4) == 0 {
            let (mut paths, mut proofs) =
                (changed(&path, &mut random), changed(&proof, &mut random));
            path = paths.swap_remove(random.place(paths.len()));
            proof = proofs.swap_remove(random.place(proofs.len()));
        }
        let said = check_inclusion(&all[place], index, claimed, &path, &root);
        let plain = shared::naive_inclusion(&all[place], index, claimed, &path, &root);
        assert_eq!(said, plain, "{index} of {claimed}, {} hashes", path.len());
        let held = check_consistency(old, &old_root, claimed, &root, &proof);
        let plain = shared::naive_consistency(old, &old_root, claimed, &root, &proof);
        assert_eq!(held, plain, "{old} to {claimed}, {} hashes", proof.len());
        accepted += u32::from(said) + u32::from(held);
    }
    assert!(accepted > 4_000, "{accepted}");
}
