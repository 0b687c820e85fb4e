//! A client's address as a request row stores it: equal addresses give equal hashes, which cannot be reversed (L-3).

use crate::{
    domain::secret::Secret,
    logic::keyed_hash::{derive, hmac_sha256},
};

/// Derives the key of the hashes.
#[must_use]
pub fn derive_key(root: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    derive(root, b"stacklumen-hub addresses 1")
}

/// Returns 32 hexadecimal digits of the HMAC. A hash without a key could be reversed in minutes by trying all 2^32 IPv4
/// addresses.
#[must_use]
pub fn hash(key: &Secret<Vec<u8>>, address: &str) -> String {
    use hmac::Mac as _;
    let bytes = hmac_sha256(key.expose(), address.as_bytes()).finalize().into_bytes();
    let mut text = base16ct::lower::encode_string(&bytes);
    text.truncate(32);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_depends_on_the_key_and_every_digit_l_3() {
        let keys = [derive_key(&Secret::new([1; 32])), derive_key(&Secret::new([2; 32]))];
        let of = |place: usize, address| hash(&keys[place], address);
        assert_eq!(of(0, "192.0.2.1").len(), 32);
        assert_eq!(of(0, "192.0.2.1"), of(0, "192.0.2.1"));
        assert_ne!(of(0, "192.0.2.1"), of(0, "192.0.2.2"));
        assert_ne!(of(0, "192.0.2.1"), of(1, "192.0.2.1"));
    }
}
