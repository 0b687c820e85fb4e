//! Origin check of a form: the browser's headers name a page of the Hub, and the form carries a token of this session.

use crate::{
    domain::{headers::Headers, secret::Secret},
    logic::{
        http::query_string::{decode, first_value},
        keyed_hash::{derive, hmac_sha256},
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::Mac as _;

/// The reason why a form is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum CsrfError {
    /// A form of another site, or one whose origin no header states.
    OtherOrigin,
    /// A form without a token of this session.
    TokenWrong,
}

/// Checks that a request with an unsafe method was made by a page of this origin.
///
/// `Sec-Fetch-Site` cannot be set by a script and is sent by every current browser; without it `Origin` must match.
///
/// # Errors
/// `OtherOrigin`.
pub fn same_origin(headers: &Headers, origin: &str) -> Result<(), CsrfError> {
    let same = match headers.value("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers.value("origin") == Some(origin),
    };
    if same { Ok(()) } else { Err(CsrfError::OtherOrigin) }
}

/// Derives the key of the tokens.
#[must_use]
pub fn derive_key(root: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    derive(root, b"stacklumen-hub forms 1")
}

/// Returns the token of a session's forms: valid as long as the session, and for forms only.
#[must_use]
pub fn issue(key: &Secret<Vec<u8>>, session_id: &str) -> String {
    Base64UrlUnpadded::encode_string(&hmac_sha256(key.expose(), session_id.as_bytes()).finalize().into_bytes())
}

/// Checks the field `csrf` of an `application/x-www-form-urlencoded` body in constant time.
///
/// # Errors
/// `TokenWrong`.
pub fn verify(key: &Secret<Vec<u8>>, session_id: &str, form: &[u8]) -> Result<(), CsrfError> {
    let wrong = CsrfError::TokenWrong;
    let form = std::str::from_utf8(form).map_err(|_| wrong)?;
    let given = first_value(form, "csrf").and_then(decode).ok_or(wrong)?;
    let given = Base64UrlUnpadded::decode_vec(&given).map_err(|_| wrong)?;
    hmac_sha256(key.expose(), session_id.as_bytes()).verify_slice(&given).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn accepts_only_same_origin_forms() {
        let here = "https://hub.example.com";
        assert_eq!(same_origin(&sent(&[("sec-fetch-site", "same-origin"), ("origin", "null")]), here), Ok(()));
        assert_eq!(same_origin(&sent(&[("origin", here)]), here), Ok(()));
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://hub.example.com.evil.example")],
            &[("referer", here)],
            &[("sec-fetch-site", "cross-site"), ("origin", here)],
            &[("sec-fetch-site", "same-site"), ("origin", here)],
            &[("sec-fetch-site", "none"), ("origin", here)],
        ] {
            assert_eq!(same_origin(&sent(headers), here), Err(CsrfError::OtherOrigin), "{headers:?}");
        }
    }

    #[test]
    fn csrf_token_is_bound_to_session() {
        let key = derive_key(&Secret::new([7; 32]));
        let token = issue(&key, "sess_1");
        let form = format!("x=1&csrf={token}");
        assert_eq!(verify(&key, "sess_1", form.as_bytes()), Ok(()));
        assert_eq!(verify(&key, "sess_2", form.as_bytes()), Err(CsrfError::TokenWrong));
        let other = super::derive_key(&Secret::new([8; 32]));
        assert_eq!(verify(&other, "sess_1", form.as_bytes()), Err(CsrfError::TokenWrong));
        for form in ["", "csrf=", "csrf=x", "csrf=%zz", &format!("csrf={}", &token[1..]), &format!("Csrf={token}")] {
            assert_eq!(verify(&key, "sess_1", form.as_bytes()), Err(CsrfError::TokenWrong), "{form}");
        }
        assert_eq!(verify(&key, "sess_1", b"\xff"), Err(CsrfError::TokenWrong));
    }
}
