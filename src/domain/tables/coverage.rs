//! Completeness of the grants, checked by the compiler: a staff role that reads no table does not compile.

use super::{Grant, TABLES, Table};
use crate::domain::access::{PrincipalKind, StaffRole};
use strum::VariantArray as _;

const _: () = {
    let mut roles = StaffRole::VARIANTS;
    while let [role, rest @ ..] = roles {
        assert!(reads_a_table(*role), "TABLES has no grant to read for a staff role");
        roles = rest;
    }
};

const fn reads_a_table(role: StaffRole) -> bool {
    let mut tables: &[Table] = TABLES;
    while let [table, rest @ ..] = tables {
        let mut grants: &[Grant] = table.grants;
        while let [grant, others @ ..] = grants {
            if let PrincipalKind::Staff(granted) = grant.principal
                && granted as u8 == role as u8
                && !grant.read.is_empty()
            {
                return true;
            }
            grants = others;
        }
        tables = rest;
    }
    false
}
