//! What must be known of a call besides who makes it.

/// What sets a function apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Called by the Hub alone, in the name of its callers; at `/rest/v1/rpc/` it does not exist.
    Internal,
    /// Nothing.
    Plain,
    /// Its result depends on sensitive columns: staff name a purpose, and the call is recorded before it is made (A-2, L-1).
    Sensitive,
}
