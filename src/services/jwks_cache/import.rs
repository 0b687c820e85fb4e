//! Import of a key set into the runtime's own key objects.

use crate::{
    logic::authn::jwks::{self, RsaKey},
    runtime::Runtime,
};

/// A key, and the generation of its set.
pub type DatedKey<P> = (<P as Runtime>::VerifyingKey, u64);
pub(super) type Keys<P> = Vec<(String, <P as Runtime>::VerifyingKey)>;

pub(super) async fn import_keys<P: Runtime>(runtime: &P, set: &[u8]) -> Option<(Vec<RsaKey>, Keys<P>)> {
    let listed = jwks::parse(set).ok()?;
    let mut keys = Vec::new();
    for key in &listed {
        keys.push((key.kid.clone(), runtime.import_rsa(&key.modulus, &key.exponent).await.ok()?));
    }
    Some((listed, keys))
}
