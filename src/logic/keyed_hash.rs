//! HMAC-SHA256 (RFC 2104), and the keys that are derived with it from a secret of the Hub.

use crate::domain::secret::Secret;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

/// Returns the HMAC of a message, to be compared, or continued with further parts.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // A key longer than the block is replaced by its hash, any other is padded with zeros (RFC 2104 §2).
    let hashed = (key.len() > BLOCK_BYTES).then(|| Sha256::digest(key));
    let key = hashed.as_ref().map_or(key, AsRef::as_ref);
    let mut block = [0; BLOCK_BYTES];
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
    mac.update(message);
    mac
}

/// Derives a key for one purpose from a secret of the Hub; the key reveals nothing about the secret.
#[must_use]
pub fn derive(root: &Secret<[u8; 32]>, purpose: &[u8]) -> Secret<Vec<u8>> {
    Secret::new(hmac_sha256(root.expose(), purpose).finalize().into_bytes().to_vec())
}

const BLOCK_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(key: &[u8], message: &[u8]) -> String {
        base16ct::lower::encode_string(&hmac_sha256(key, message).finalize().into_bytes())
    }

    /// The cases 1 to 4, 6 and 7 of RFC 4231 §4; case 5 is of a truncated output.
    #[test]
    fn hmac_matches_rfc_4231() {
        let counted: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 6] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (&counted, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(mac(key, message), expected, "a key of {} bytes", key.len());
        }
    }

    #[test]
    fn key_of_one_block_is_not_hashed() {
        let hashed = Sha256::digest([7; BLOCK_BYTES]);
        assert_ne!(mac(&[7; BLOCK_BYTES], b"x"), mac(&hashed, b"x"));
        let hashed = Sha256::digest([7; BLOCK_BYTES + 1]);
        assert_eq!(mac(&[7; BLOCK_BYTES + 1], b"x"), mac(&hashed, b"x"));
    }
}
