//! The sources of a key set: the cache that the isolates of a data centre share, and the issuer.

use super::{
    JwksCache,
    import::{Keys, import_keys},
};
use crate::{
    domain::{method::Method, upstreams::CLERK_JWKS},
    logic::authn::{
        jwks::{self, RsaKey},
        shared_jwks::{self, SharedSet},
    },
    runtime::{RuntimePort as _, UpstreamRequest},
    services::request_context::RequestContext,
};
use std::rc::Rc;

impl JwksCache {
    /// Returns a set that another isolate has fetched recently, and later than the one held here; its age counts from
    /// that fetch.
    pub(super) async fn load_shared(
        &self,
        context: &RequestContext,
        shared_ms: u64,
    ) -> Option<((Vec<RsaKey>, Keys), u64)> {
        let is_stored =
            context.runtime.cache_get(&self.source.shared_url, jwks::MAX_SET_BYTES + shared_jwks::OVERHEAD_BYTES);
        let bytes = context.runtime.within(CACHE_GET_TIMEOUT_MS, is_stored).await??;
        let SharedSet { fetched_at_ms: fetched, set } =
            shared_jwks::open(&self.source.sharing_key, &self.source.jwks_url, &bytes)?;
        let newer = self.state.get().fetched_at_ms.is_none_or(|held| fetched > held);
        let (now, fresh) = (context.runtime.now_ms(), context.runtime.now_ms().saturating_sub(fetched) < shared_ms);
        let keys = import_keys(context, set).await.filter(|_| newer && fresh && fetched <= now)?;
        Some((keys, fetched))
    }

    /// Shares a set after it is held here, so that a cache that does not respond delays no request. Only valid sets are
    /// shared.
    pub(super) fn share_in_background(self: &Rc<Self>, context: &RequestContext, fetched: u64, set: &[u8]) {
        let sealed = shared_jwks::seal(&self.source.sharing_key, &self.source.jwks_url, fetched, set);
        let (store, background) = (Rc::clone(self), context.background());
        context.runtime.wait_until(async move {
            let sharing = background.runtime.cache_put(&store.source.shared_url, &sealed, SHARED_TTL_S);
            background.runtime.within(CACHE_PUT_TIMEOUT_MS, sharing).await;
        });
    }

    /// Returns the issuer's set, and its source text.
    pub(super) async fn fetch_from_issuer(&self, context: &RequestContext) -> Option<((Vec<RsaKey>, Keys), Vec<u8>)> {
        let request = UpstreamRequest::new(&CLERK_JWKS, Method::Get, self.source.jwks_url.clone())
            .with_response_headers(&["content-type"]);
        let response = context.runtime.fetch(request).await.ok()?;
        let json = response.headers.value("content-type").is_some_and(|media| media.contains("json"));
        let body = response.body.filter(|_| response.status == 200 && json)?;
        let body = context.runtime.read(body, jwks::MAX_SET_BYTES).await.ok()?;
        let keys = import_keys(context, &body).await?;
        Some((keys, body))
    }
}

const SHARED_TTL_S: u32 = 300;
/// Timeout of the cache, for which Cloudflare documents none, before the issuer is requested.
const CACHE_GET_TIMEOUT_MS: u32 = 400;
const CACHE_PUT_TIMEOUT_MS: u32 = 2_000;
