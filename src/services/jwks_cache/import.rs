//! Import of a key set into the runtime's own key objects.

use crate::{
    logic::authn::jwks::{self, RsaKey},
    runtime::{ImportedVerifyingKey, RuntimePort as _},
    services::request_context::RequestContext,
};

/// A key, and the generation of its set.
pub type DatedKey = (ImportedVerifyingKey, u64);
pub(super) type Keys = Vec<(String, ImportedVerifyingKey)>;

pub(super) async fn import_keys(context: &RequestContext, set: &[u8]) -> Option<(Vec<RsaKey>, Keys)> {
    let listed = jwks::parse(set).ok()?;
    let mut keys = Vec::new();
    for key in &listed {
        keys.push((key.kid.clone(), context.runtime.import_rsa(&key.modulus, &key.exponent).await.ok()?));
    }
    Some((listed, keys))
}
