//! Notes and checkpoints: those of Go's `sumdb/note` and of the C2SP documents, and what is none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests report by panicking"
)]

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use fiscaflow_verifier::{Checkpoint, Note, key_id};

/// The key, text and signature of the tests of Go's `golang.org/x/mod/sumdb/note`.
const GO_NAME: &str = "PeterNeumann";
const GO_PUBLIC: &str = "1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6";
const GO_SECRET: &str = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng\
    otpRZb6KE6RyyBwJnAM=\n";

fn bytes(hexadecimal: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&hexadecimal[2 * at..2 * at + 2], 16).unwrap())
}

#[test]
fn the_note_of_go_is_read_and_made_again() {
    // Holds: text, key and signature are found, the signature is the one that Ed25519 makes, and
    // the key's id is Go's.
    let note = Note::parse(GO_NOTE).unwrap();
    let [signature] = &note.signatures[..] else { panic!("one signature") };
    assert_eq!(signature.key_name, GO_NAME);
    assert_eq!(signature.key_id, key_id(GO_NAME, &bytes(GO_PUBLIC)));
    assert_eq!(signature.key_id, [0xC7, 0x4F, 0x20, 0xA3]);
    let key = SigningKey::from_bytes(&bytes(GO_SECRET));
    assert_eq!(key.verifying_key().to_bytes(), bytes(GO_PUBLIC));
    assert_eq!(signature.bytes, key.sign(note.text.as_bytes()).to_bytes());
    let given = Signature::from_slice(&signature.bytes).unwrap();
    let public = VerifyingKey::from_bytes(&bytes(GO_PUBLIC)).unwrap();
    public.verify_strict(note.text.as_bytes(), &given).unwrap();
    assert!(Checkpoint::parse(note.text).is_none());
}

/// A checkpoint that was cosigned, in the form of the documents.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5\
    /Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl\
    rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn a_checkpoint_that_others_signed_too_is_read() {
    // Holds: origin, size and root of the example of C2SP, whoever else signed it; extension lines
    // are passed over.
    let note = Note::parse(COSIGNED).unwrap();
    let names: Vec<_> = note.signatures.iter().map(|it| it.key_name).collect();
    assert_eq!(names, ["example.com/behind-the-sofa", "witness.example.com/w1"]);
    assert_eq!(note.signatures[1].bytes.len(), 72);
    for text in [note.text.to_owned(), format!("{}extension\n", note.text)] {
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!((checkpoint.size, checkpoint.root[0]), (20_852_163, 0x0A));
    }
}

#[test]
fn what_is_no_note_is_not_read() {
    // Holds: whatever leaves the form is none, and nothing panics.
    let line = "\u{2014} n AAAAAQID\n";
    assert!(Note::parse(&format!("t\n\n{line}")).is_some());
    let none = [
        String::new(),
        "\n".into(),
        "\n\n".into(),
        "t\n".into(),
        "t\n\n".into(),
        format!("t\n{line}"),
        format!("t\n\n{line}\n"),
        format!("t\n\n{line}x"),
        format!("t\n\n{}", line.trim_end()),
        format!("t\r\n\n{line}"),
        format!("t\0\n\n{line}"),
        "t\n\n- n AAAAAQID\n".into(),
        "t\n\n\u{2014} AAAAAQID\n".into(),
        "t\n\n\u{2014}  AAAAAQID\n".into(),
        "t\n\n\u{2014} a+b AAAAAQID\n".into(),
        "t\n\n\u{2014} a\u{a0}b AAAAAQID\n".into(),
        "t\n\n\u{2014} n AAAA\n".into(),
        "t\n\n\u{2014} n AAAAAA==\n".into(),
        "t\n\n\u{2014} n AAAAAQI=D\n".into(),
        "t\n\n\u{2014} n AAAAAQ\n".into(),
        "t\n\n\u{2014} n AAAAAR==\n".into(),
        "t\n\n\u{2014} n AAAA_QID\n".into(),
        format!("t\n\n{}", line.repeat(101)),
    ];
    for text in none {
        assert!(Note::parse(&text).is_none(), "{text:?}");
    }
    assert_eq!(Note::parse(&format!("a\n\nb\n\n{line}")).unwrap().text, "a\n\nb\n");
}

#[test]
fn what_is_no_checkpoint_is_not_read() {
    // Holds: sizes stand without leading zeros, roots have 32 bytes, and no line is empty.
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for good in [format!("o\n0\n{root}\n"), format!("o o\n{}\n{root}\n", u64::MAX)] {
        assert!(Checkpoint::parse(&good).is_some(), "{good}");
    }
    let none = [
        String::new(),
        format!("\n1\n{root}\n"),
        format!("o\n1\n{root}"),
        format!("o\n01\n{root}\n"),
        format!("o\n+1\n{root}\n"),
        format!("o\n-1\n{root}\n"),
        format!("o\n1 \n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n1\n{root}\n\n"),
        format!("o\n1\n{root}\n\nx\n"),
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n".into(),
        format!("o\n1\n{}\n", root.replace("2I=", "2J=")),
        format!("o\n1\n{}\n", root.trim_end_matches('=')),
    ];
    for text in none {
        assert!(Checkpoint::parse(&text).is_none(), "{text:?}");
    }
}
