//! The classes of columns: the protection that their values need.

/// The class of a column: the protection that its values need. A column has one before it compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnClass {
    /// True if staff read it with a purpose and of records that they name, and each read is recorded before the data is
    /// requested (A-2, L-1).
    pub sensitive: bool,
    /// True if clients, staff or other programs write its text: an erasure searches it for the person's identifiers
    ///
    pub free_text: bool,
    /// True if its values are for the client alone: no staff role is granted it, and the audit log does not contain it.
    pub customer_only: bool,
    /// The effect of an erasure on a value about the person, in a row that remains.
    pub erasure: Erasure,
}

impl ColumnClass {
    /// Marks a class as sensitive.
    pub(super) const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Returns whether an erasure changes a value of the column.
    #[cfg_attr(deployed, expect(dead_code, reason = "asserted for each column by a test"))]
    #[must_use]
    pub const fn is_erasable(self) -> bool {
        !matches!(self.erasure, Erasure::Kept)
    }
}

/// The effect of an erasure on a value about the person, in a row that remains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// The value becomes null.
    Emptied,
    /// The value remains: it identifies no one.
    Kept,
    /// A value that names the person becomes the pseudonym of the erasure.
    Pseudonym,
    /// The words that identify the person are replaced in the text.
    Scrubbed,
}

impl Erasure {
    /// Returns the name in `hub_private.column_classes`.
    #[cfg_attr(deployed, expect(dead_code, reason = "compared with the database by tests/schema.rs"))]
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emptied => "emptied",
            Self::Kept => "kept",
            Self::Pseudonym => "pseudonym",
            Self::Scrubbed => "scrubbed",
        }
    }
}

const fn class(erasure: Erasure) -> ColumnClass {
    ColumnClass { sensitive: false, free_text: false, customer_only: false, erasure }
}

const fn text_class(erasure: Erasure) -> ColumnClass {
    let mut text = class(erasure);
    text.free_text = true;
    text
}

/// Keys of rows, numbers, times, listed values: they identify no one.
pub(super) const KEPT: ColumnClass = class(Erasure::Kept);
/// The id of a user, a session or an organization, or of a record that is one of those.
pub(super) const USER_ID: ColumnClass = class(Erasure::Pseudonym);
/// The name of a user as their token had it.
pub(super) const USER_NAME: ColumnClass = text_class(Erasure::Pseudonym);
/// Text that clients, staff or other programs write.
pub(super) const FREE_TEXT: ColumnClass = text_class(Erasure::Scrubbed);
/// Text in a log, which no longer has a use without the person.
pub(super) const LOGGED_TEXT: ColumnClass = text_class(Erasure::Emptied);
/// Hashes and salts, by which a value about the person could be guessed.
pub(super) const HASH: ColumnClass = class(Erasure::Emptied);
