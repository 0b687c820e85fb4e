//! RS256 and ES256 by `WebCrypto`, as Workers and browsers have it.

use super::RuntimeError;
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

/// Same as [`super::RuntimePort::import_rsa`].
///
/// # Errors
/// If the key cannot be imported.
pub async fn import_rsa(modulus: &[u8], exponent: &[u8]) -> Result<CryptoKey, RuntimeError> {
    let jwk = object(&[
        ("kty", "RSA".into()),
        ("alg", "RS256".into()),
        ("n", base64url(modulus)),
        ("e", base64url(exponent)),
    ])?;
    let algorithm = object(&[("name", RSA.into()), ("hash", "SHA-256".into())])?;
    import(&jwk, &algorithm, "verify").await
}

/// Same as [`super::RuntimePort::verify`].
///
/// # Errors
/// If WebCrypto throws.
pub async fn verify(key: &CryptoKey, message: &[u8], signature: &[u8]) -> Result<bool, RuntimeError> {
    let promise = subtle()?
        .verify_with_str_and_js_u8_array_and_js_u8_array(RSA, key, &signature.into(), &message.into())
        .map_err(|_| RuntimeError)?;
    let valid = JsFuture::from(promise).await.map_err(|_| RuntimeError)?;
    Ok(valid.is_truthy())
}

/// Same as [`super::RuntimePort::import_p256`].
///
/// # Errors
/// If the key cannot be imported.
pub async fn import_p256(x: &[u8; 32], y: &[u8; 32], d: &[u8; 32]) -> Result<CryptoKey, RuntimeError> {
    let jwk = object(&[
        ("kty", "EC".into()),
        ("crv", CURVE.into()),
        ("x", base64url(x)),
        ("y", base64url(y)),
        ("d", base64url(d)),
    ])?;
    let algorithm = object(&[("name", ECDSA.into()), ("namedCurve", CURVE.into())])?;
    import(&jwk, &algorithm, "sign").await
}

/// Same as [`super::RuntimePort::sign`].
///
/// # Errors
/// If WebCrypto throws.
pub async fn sign(key: &CryptoKey, message: &[u8]) -> Result<[u8; 64], RuntimeError> {
    let algorithm = object(&[("name", ECDSA.into()), ("hash", "SHA-256".into())])?;
    let promise =
        subtle()?.sign_with_object_and_js_u8_array(&algorithm, key, &message.into()).map_err(|_| RuntimeError)?;
    let signature = JsFuture::from(promise).await.map_err(|_| RuntimeError)?;
    Uint8Array::new(&signature).to_vec().try_into().map_err(|_| RuntimeError)
}

async fn import(jwk: &Object, algorithm: &Object, usage: &str) -> Result<CryptoKey, RuntimeError> {
    let usages = Array::of1(&usage.into());
    let promise = subtle()?.import_key_with_object("jwk", jwk, algorithm, false, &usages).map_err(|_| RuntimeError)?;
    JsFuture::from(promise).await.map_err(|_| RuntimeError)?.dyn_into().map_err(|_| RuntimeError)
}

fn subtle() -> Result<SubtleCrypto, RuntimeError> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).map_err(|_| RuntimeError)?;
    Ok(crypto.unchecked_into::<web_sys::Crypto>().subtle())
}

fn object(members: &[(&str, JsValue)]) -> Result<Object, RuntimeError> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), value).map_err(|_| RuntimeError)?;
    }
    Ok(object)
}

fn base64url(bytes: &[u8]) -> JsValue {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    Base64UrlUnpadded::encode_string(bytes).into()
}

const CURVE: &str = "P-256";
const ECDSA: &str = "ECDSA";
const RSA: &str = "RSASSA-PKCS1-v1_5";
