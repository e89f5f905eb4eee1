use std::collections::HashSet;

use super::*;

#[test]
fn a_secret_is_made_of_43_digits_and_never_twice_the_same() {
    let secrets: HashSet<String> = (0..100).map(|_| make().unwrap().expose().to_owned()).collect();
    assert_eq!(secrets.len(), 100);
    for secret in secrets {
        assert_eq!(secret.len(), 3 + DIGITS);
        assert!(secret.strip_prefix("sk-").unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

#[test]
fn base_62_holds_every_bit() {
    assert_eq!(base62([0; 32]), "0".repeat(43));
    let mut one = [0; 32];
    one[31] = 61;
    assert_eq!(base62(one), format!("{}z", "0".repeat(42)));
    one[31] = 62;
    assert_eq!(base62(one), format!("{}10", "0".repeat(41)));
    // The largest number needs all 43 digits: 62^42 < 2^256 < 62^43.
    assert_ne!(base62([255; 32]).as_bytes()[0], b'0');
}

#[test]
fn the_hash_is_sha_256_in_hexadecimal() {
    let hash = KeyHash::of("abc");
    assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(KeyHash::from_hex(&hash.to_string().to_uppercase()), Some(hash));
    assert_eq!(KeyHash::from_hex("ba78"), None);
    assert_eq!(KeyHash::from_hex(&"é".repeat(32)), None);
    assert!(hash.same(&KeyHash::of("abc")) && !hash.same(&KeyHash::of("abd")));
}
