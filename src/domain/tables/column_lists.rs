//! Lists of columns by name, derived from the rows of the columns when the Hub is compiled.

use super::column::Column;
use crate::domain::access::{Audiences, PrincipalKind, StaffRole};

pub(super) const CUSTOMER: Audiences = Audiences::of(PrincipalKind::Customer);
pub(super) const VISITOR: Audiences = Audiences::of(PrincipalKind::Visitor);
pub(super) const SYSTEM: Audiences = Audiences::of(PrincipalKind::System);
pub(super) const ADMIN: Audiences = Audiences::of(PrincipalKind::Staff(StaffRole::Admin));
pub(super) const SALES: Audiences = Audiences::of(PrincipalKind::Staff(StaffRole::Sales));
pub(super) const SUPPORT: Audiences = Audiences::of(PrincipalKind::Staff(StaffRole::Support));
pub(super) const STAFF: Audiences = ADMIN.and(SALES).and(SUPPORT);
pub(super) const CUSTOMER_AND_STAFF: Audiences = CUSTOMER.and(STAFF);

/// A list of columns that follows from the rows of the columns.
#[derive(Clone, Copy)]
pub(super) enum ColumnList {
    /// The columns that an audience names in a new row.
    Insert(PrincipalKind),
    /// The columns that an audience reads.
    Read(PrincipalKind),
    /// The sensitive columns.
    Sensitive,
    /// The columns that an audience names in a change.
    Update(PrincipalKind),
}

const fn is_in(column: &Column, list: ColumnList) -> bool {
    match list {
        ColumnList::Insert(who) => column.inserters.contains(who),
        ColumnList::Read(who) => column.readers.contains(who),
        ColumnList::Sensitive => column.class.sensitive,
        ColumnList::Update(who) => column.updaters.contains(who),
    }
}

/// Returns the number of columns in a list.
pub(super) const fn count(mut columns: &[Column], list: ColumnList) -> usize {
    let mut number = 0;
    while let Some((column, others)) = columns.split_first() {
        number += is_in(column, list) as usize;
        columns = others;
    }
    number
}

/// Returns the names of the columns in a list, in the order of the database; `N` is their number.
pub(super) const fn column_names<const N: usize>(mut columns: &[Column], list: ColumnList) -> [&'static str; N] {
    let mut names = [""; N];
    let mut free: &mut [&'static str] = &mut names;
    while let Some((column, others)) = columns.split_first() {
        columns = others;
        if is_in(column, list) {
            let Some((place, rest)) = free.split_first_mut() else { break };
            *place = column.name;
            free = rest;
        }
    }
    names
}

/// The names of the columns in a list, as a static slice.
macro_rules! names {
    ($columns:expr, $list:expr) => {
        const {
            &$crate::domain::tables::column_lists::column_names::<
                { $crate::domain::tables::column_lists::count($columns, $list) },
            >($columns, $list)
        }
    };
}

/// The rights of one audience, with the columns that name it as reader or writer.
macro_rules! grant {
    ($columns:expr, $who:expr) => {
        $crate::domain::tables::Grant {
            principal: $who,
            read: $crate::domain::tables::column_lists::names!(
                $columns,
                $crate::domain::tables::column_lists::ColumnList::Read($who)
            ),
            insert: $crate::domain::tables::column_lists::names!(
                $columns,
                $crate::domain::tables::column_lists::ColumnList::Insert($who)
            ),
            update: $crate::domain::tables::column_lists::names!(
                $columns,
                $crate::domain::tables::column_lists::ColumnList::Update($who)
            ),
            delete: false,
            export: false,
            step_up: &[],
        }
    };
}

pub(super) use {grant, names};
