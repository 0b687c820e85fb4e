//! A client's address as a request row keeps it: the same address gives the same, and nobody can tell which (L-3).

use super::csrf::mac;
use crate::domain::secret::Secret;

/// The key, derived from a secret of the Hub, about which it tells nothing.
#[must_use]
pub fn key(root: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    use hmac::Mac as _;
    Secret::new(mac(root.expose(), b"stacklumen-hub addresses 1").finalize().into_bytes().to_vec())
}

/// 32 hexadecimal digits of the HMAC. Without the key, all four thousand million addresses of IPv4 would be tried in minutes.
#[must_use]
pub fn hashed(key: &Secret<Vec<u8>>, address: &str) -> String {
    use hmac::Mac as _;
    let bytes = mac(key.expose(), address.as_bytes()).finalize().into_bytes();
    bytes.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depends_on_the_key_and_on_every_digit_l_3() {
        let keys = [key(&Secret::new([1; 32])), key(&Secret::new([2; 32]))];
        let of = |place: usize, address| hashed(&keys[place], address);
        assert_eq!(of(0, "192.0.2.1").len(), 32);
        assert_eq!(of(0, "192.0.2.1"), of(0, "192.0.2.1"));
        assert_ne!(of(0, "192.0.2.1"), of(0, "192.0.2.2"));
        assert_ne!(of(0, "192.0.2.1"), of(1, "192.0.2.1"));
    }
}
