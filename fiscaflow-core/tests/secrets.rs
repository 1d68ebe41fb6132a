//! Sealed values: what opens them, and what does not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use fiscaflow_core::secrets::{
    KeyProvider, KeyRing, MasterKey, SecretPlace, key_version, open, rewrap, seal,
};
use fiscaflow_core::{BookId, ErrorCode};
use proptest::prelude::*;

/// The value "tok-é-1" at the first of [`places`], under the key of version 7, as `AESGCM` of
/// Python's cryptography 48.0.0 seals it.
const SEALED_BY_ANOTHER: &str = "0100000007030303030303030303030303ef4a3dd70a935317df5c077fccab55061854f4f2d8fa3eb380bf441f0620ab504ca9a4a9e493138ea71fea121edbf530040404040404040404040404425f26f9bf9d7b88eb3f7ac05ec8ac05470cfe918ff23450";

fn book(number: u8) -> BookId {
    format!("018f5a2c-0000-7000-8000-{number:012}").parse().unwrap()
}

fn key(version: u32) -> MasterKey {
    let first = u8::try_from(version - 7).unwrap();
    MasterKey::new(version, std::array::from_fn(|place| first + u8::try_from(place).unwrap()))
}

/// The first block is all ones, the second all twos.
fn counted() -> impl FnMut() -> [u8; 16] {
    let mut last = 0;
    move || {
        last += 1;
        [last; 16]
    }
}

/// Places that differ in one part each, or in where one part ends and the next begins.
fn places() -> Vec<SecretPlace<'static>> {
    let first = SecretPlace {
        book_id: book(0),
        kind: "bank_connection",
        id: "b-42",
        field: "access_token",
    };
    vec![
        first,
        SecretPlace { book_id: book(1), ..first },
        SecretPlace { kind: "bank_connections", ..first },
        SecretPlace { id: "b-43", ..first },
        SecretPlace { field: "refresh_token", ..first },
        SecretPlace { kind: "bank_connectionb", id: "-42", ..first },
        SecretPlace { id: "b-42access", field: "_token", ..first },
        SecretPlace { kind: "", id: "", field: "", ..first },
    ]
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |place: usize| u8::from_str_radix(&text[place..place + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Holds: what is sealed is what another library makes of the same key, nonces and place.
#[test]
fn sealed_values_are_those_of_another_library() {
    let sealed = hex(SEALED_BY_ANOTHER);
    let keys = KeyRing::new([key(7)]);
    let place = places()[0];
    assert_eq!(seal(place, "tok-é-1".as_bytes(), &keys, &mut counted()).unwrap(), sealed);
    assert_eq!(*open(place, &sealed, &keys).unwrap(), "tok-é-1".as_bytes());
    assert_eq!(key_version(&sealed).unwrap(), 7);
}

/// Holds: at every place but its own a value does not open, nor is it wrapped anew.
#[test]
fn a_value_opens_at_its_place_alone() {
    let (old, new) = (KeyRing::new([key(7)]), KeyRing::new([key(7), key(8)]));
    for (own, place) in places().into_iter().enumerate() {
        let sealed = seal(place, b"value", &old, &mut counted()).unwrap();
        for (other, elsewhere) in places().into_iter().enumerate() {
            let opened = open(elsewhere, &sealed, &old);
            let wrapped = rewrap(elsewhere, &sealed, &new, &mut counted());
            if own == other {
                assert_eq!(*opened.unwrap(), b"value");
                wrapped.unwrap().unwrap();
            } else {
                assert_eq!(opened.unwrap_err().code(), ErrorCode::SecretUnreadable);
                assert_eq!(wrapped.unwrap_err().code(), ErrorCode::SecretUnreadable);
            }
        }
    }
}

/// Holds: a value with one bit another, with an end cut off or with one more byte does not open,
/// nor is it wrapped anew; where the bit is in the key's version, there may be no such key.
#[test]
fn a_value_that_was_altered_does_not_open() {
    let keys = KeyRing::new([key(7), key(8)]);
    let place = places()[0];
    let sealed = seal(place, b"value", &KeyRing::new([key(7)]), &mut counted()).unwrap();
    let flipped = (0..sealed.len() * 8).map(|bit| {
        let mut other = sealed.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        other
    });
    let cut = (0..sealed.len()).map(|length| sealed[..length].to_vec());
    let longer = [[&sealed[..], &[0]].concat(), [&[1], &sealed[..]].concat()];
    for (number, other) in flipped.chain(cut).chain(longer).enumerate() {
        let opened = open(place, &other, &keys).unwrap_err().code();
        let wrapped = rewrap(place, &other, &keys, &mut counted()).unwrap_err().code();
        // The key's version may be that of none.
        let missing = other.get(1..5) != sealed.get(1..5);
        for code in [opened, wrapped] {
            let expected = code == ErrorCode::SecretUnreadable
                || missing && code == ErrorCode::SecretKeyMissing;
            assert!(expected, "{number}: {code}");
        }
    }
}

/// Holds: wrapped anew, a value opens with the new master key alone, and once is enough; without
/// its old key it is not wrapped anew, and without any nothing is sealed.
#[test]
fn a_value_moves_to_another_master_key() {
    let place = places()[0];
    let sealed = seal(place, b"value", &KeyRing::new([key(7)]), &mut counted()).unwrap();
    let both = KeyRing::new([key(7), key(8)]);
    let anew = rewrap(place, &sealed, &both, &mut counted()).unwrap().unwrap();
    assert_eq!(key_version(&anew).unwrap(), 8);
    let new = KeyRing::new([key(8)]);
    assert_eq!(*open(place, &anew, &new).unwrap(), b"value");
    assert_eq!(rewrap(place, &anew, &both, &mut counted()).unwrap(), None);

    let missing = ErrorCode::SecretKeyMissing;
    assert_eq!(open(place, &sealed, &new).unwrap_err().code(), missing);
    let wrapped = rewrap(place, &sealed, &new, &mut counted());
    assert_eq!(wrapped.unwrap_err().code(), missing);
    let none = KeyRing::default();
    assert_eq!(seal(place, b"value", &none, &mut counted()).unwrap_err().code(), missing);
    assert_eq!(none.current().unwrap_err().code(), missing);
}

/// Holds: keys are read as settings have them, and what is none is refused without being shown.
#[test]
fn keys_are_read_from_settings() {
    let one = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let other = one.replacen('1', "2", 1);
    let keys: KeyRing = format!(" {one},\n{other} ").parse().unwrap();
    assert_eq!(keys.current().unwrap().version(), 2);
    let place = places()[0];
    let sealed = seal(place, b"value", &keys, &mut counted()).unwrap();
    let same = MasterKey::new(2, std::array::from_fn(|byte| u8::try_from(byte).unwrap()));
    assert_eq!(*open(place, &sealed, &KeyRing::new([same])).unwrap(), b"value");

    let twice = format!("{one} {one}");
    for text in ["", " ,", "1", "1:", "1:AAEC", "x:AAEC", &one[2..], &one.replace(':', "="), &twice]
    {
        let error = text.parse::<KeyRing>().unwrap_err();
        assert_eq!(
            (error.code(), error.at_field()),
            (ErrorCode::InvalidInput, Some("secret_keys"))
        );
        assert!(!error.to_string().contains("AAEC"), "{error}");
    }
}

/// Holds: neither keys nor rings show their bytes.
#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?} {:?}", key(7), KeyRing::new([key(7)]));
    assert!(shown.contains("version: 7"), "{shown}");
    assert!(!shown.contains("31"), "{shown}");
}

proptest! {
    /// Any bytes are a value, whatever stands in the place; no bytes that were not sealed open.
    #[test]
    fn any_value_comes_back(
        value in prop::collection::vec(any::<u8>(), 0..200),
        parts in prop::array::uniform3(".{0,8}"),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let [kind, id, field] = &parts;
        let place = SecretPlace { book_id: book(0), kind, id, field };
        let keys = KeyRing::new([key(7)]);
        let sealed = seal(place, &value, &keys, &mut counted()).unwrap();
        prop_assert_eq!(&*open(place, &sealed, &keys).unwrap(), &value);
        prop_assert!(open(place, &noise, &keys).is_err());
    }
}
