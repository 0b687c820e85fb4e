//! Properties of a call besides its caller.

/// The property that distinguishes a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionProperty {
    /// Called by the Hub alone, on behalf of its callers; it does not exist at `/rest/v1/rpc/`.
    Internal,
    /// No special property.
    Plain,
    /// A result that depends on sensitive columns: staff name a purpose, and the call is recorded before it is made
    /// (A-2, L-1).
    Sensitive,
}
