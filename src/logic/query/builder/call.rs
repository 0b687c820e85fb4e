//! Calls of functions: arguments as a body, and the query on the returned rows.

use super::QueryBuilder;
use crate::{
    domain::{
        functions::Function,
        method::Method,
        tables::{Grant, Table},
    },
    logic::query::{
        body::{self, BodySchema},
        error::{QueryError, QueryErrorKind},
    },
};

impl QueryBuilder<'_> {
    /// Writes a call of a function; returns the expected form of its body. A read has no body: its arguments are in the
    /// query.
    ///
    /// # Errors
    /// The first violated rule.
    pub fn build_call(
        &mut self,
        function: &'static Function,
        returned: Option<(&'static Table, &'static Grant)>,
        parameters: &[(String, String)],
        method: Method,
    ) -> Result<BodySchema, QueryError> {
        let reads = method.is_read();
        let (arguments, rest): (Vec<_>, Vec<_>) =
            parameters.iter().cloned().partition(|(name, _)| reads && body::argument(function, name).is_some());
        for (name, _) in &arguments {
            self.reject_duplicate(name)?;
        }
        match returned {
            None if !rest.is_empty() => return Err(QueryErrorKind::ParameterRefused.into()),
            None => {}
            Some((table, grant)) => {
                let selection = self.select(table, grant, &rest)?;
                for (name, value) in rest.iter().filter(|(name, _)| name != "select") {
                    self.apply_parameter(&selection, "", name, value)?;
                }
                if function.writes && selection.has_embeds() {
                    return Err(QueryErrorKind::EmbedRefused.into());
                }
                if !function.writes {
                    self.apply_default_limits(&selection, "")?;
                }
            }
        }
        if !reads {
            return Ok(BodySchema::Arguments(function));
        }
        self.arguments = Some(body::arguments(function, &arguments)?);
        Ok(BodySchema::None)
    }
}
