//! The `Prefer` header of a query.

use super::QueryBuilder;
use crate::{
    domain::{access::Operation, method::Method},
    logic::{
        authz::Resource,
        query::{Preferences, QueryError},
    },
};

impl QueryBuilder<'_> {
    /// Returns the `Prefer` header, without a value of the client's: `PostgREST` uses the first of two values.
    ///
    /// # Errors
    /// `CountRefused`.
    pub fn prefer(&self, method: Method) -> Result<Option<String>, QueryError> {
        let Preferences { returns, missing_default, .. } = self.preferences;
        let table = match self.permit.resource() {
            Resource::Table(table, _) | Resource::Function(_, Some((table, _))) => Some(table),
            Resource::Function(_, None) => None,
        };
        let count = self.preferences.count_for(self.permit.principal(), table)?;
        let parts = [
            returns.filter(|_| !method.is_read()).map(|returns| format!("return={returns}")),
            count.map(|count| format!("count={count}")),
            missing_default
                .then(|| "missing=default".to_owned())
                .filter(|_| self.permit.operation() == Operation::Insert),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Ok((!parts.is_empty()).then(|| parts.join(",")))
    }
}
