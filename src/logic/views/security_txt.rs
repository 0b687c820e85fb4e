//! `security.txt` (RFC 9116), with the contact for reports of vulnerabilities.

use super::SiteContext;
use crate::{domain::time, logic::views::content::Company};

/// Returns the file as of `now_s`, Unix seconds. It expires a week after the end of today: a stored copy becomes stale
/// soon, and the text stays the same for a day, so that caches can store it.
///
/// # Errors
/// An unreadable data file of the company, which the tests rule out for the file in this build.
pub fn security_txt(page: &SiteContext, now_s: i64) -> Result<String, askama::Error> {
    let company = Company::parse()?;
    let today = now_s - now_s % DAY;
    let expires = time::rfc3339(time::milliseconds(today.saturating_add(8 * DAY)));
    let place = format!("{}{}", page.origin, page.base_path);
    Ok(format!(
        "# How to report a vulnerability in {product} to {name}. Please put {subject} in the subject.\n\
         Contact: {contact}\n\
         Expires: {expires}\n\
         Preferred-Languages: {languages}\n\
         Canonical: {place}/.well-known/security.txt\n\
         Policy: {place}/security#report\n",
        product = company.product,
        name = company.name,
        subject = company.security_subject,
        contact = company.security_link(),
        languages = company.languages.join(", "),
    ))
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: SiteContext =
        SiteContext { base_path: "/app", origin: "https://hub.example", version: "0", commit: "0" };

    fn fields(now_s: i64) -> Vec<(String, String)> {
        let text = security_txt(&PAGE, now_s).unwrap();
        assert!(text.is_ascii() && text.ends_with('\n'));
        let field = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.lines().filter(|line| !line.starts_with('#')).map(|line| field(line).unwrap()).collect()
    }

    fn values(now_s: i64, name: &str) -> Vec<String> {
        fields(now_s).into_iter().filter(|(field, _)| field == name).map(|(_, value)| value).collect()
    }

    /// the fields that RFC 9116 requires, and the optional ones.
    #[test]
    fn security_txt_has_contact_and_required_fields_r_1() {
        assert_eq!(values(NOW, "Contact"), ["mailto:security@stacklumen.example?subject=SECURITY"]);
        assert_eq!(values(NOW, "Canonical"), ["https://hub.example/app/.well-known/security.txt"]);
        assert_eq!(values(NOW, "Policy"), ["https://hub.example/app/security#report"]);
        assert_eq!(values(NOW, "Preferred-Languages"), ["en"]);
        assert_eq!(fields(NOW).len(), 5);
    }

    #[test]
    fn security_txt_expires_at_midnight_within_eight_days() {
        assert_eq!(values(NOW, "Expires"), ["2026-12-01T00:00:00.000Z"]);
        assert_eq!(values(NOW - NOW % DAY, "Expires"), values(NOW - NOW % DAY + DAY - 1, "Expires"));
        assert_eq!(values(NOW + DAY, "Expires"), ["2026-12-02T00:00:00.000Z"]);
    }

    /// 2026-11-23T20:15:00Z.
    const NOW: i64 = 1_795_464_900;
}
