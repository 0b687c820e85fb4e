//! Certifications that the company does not have: none may be claimed.

use super::*;

/// The words have no evidence on record, so none may be used as a claim.
#[test]
fn unproven_certifications_are_not_claimed() {
    const CLAIMS: [&str; 18] = [
        "certif",
        "complian",
        "complies",
        "accredit",
        "attest",
        "tested",
        "audited by",
        "guarantee",
        "-grade",
        "100 %",
        "100%",
        "unbreakable",
        "world-class",
        "industry",
        "iso 27001",
        "gdpr",
        "state of the art",
        "pci",
    ];
    for html in pages(&PAGE) {
        let text = html.to_lowercase();
        assert!(text.matches("certif").count() <= text.matches("we are not certified").count());
        let text = text.replace("we are not certified", "");
        for claim in CLAIMS {
            assert!(!text.contains(claim), "{claim}");
        }
    }
}

#[test]
fn certifications_appear_only_under_exclusions() {
    let html = security(&PAGE).unwrap().to_lowercase();
    let (before, after) = html.split_once("id=\"exclusions\"").unwrap();
    for name in ["soc 2", "hipaa", "baa", "penetration"] {
        assert!(!before.contains(name) && after.contains(name), "{name}");
        assert!(!home(&PAGE).unwrap().to_lowercase().contains(name), "{name}");
    }
}
