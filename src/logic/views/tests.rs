//! Required and forbidden contents of the pages.

mod certifications;

use super::*;
use crate::logic::views::content::{Month, Promise};

const PAGE: SiteContext =
    SiteContext { base_path: "/app", origin: "https://hub.example", version: "0.1.0", commit: "abc1234" };
const ACCOUNT: Account = Account {
    user: "user_1",
    session: "sess_1",
    role: "customer",
    organization: Some("org_1"),
    organization_role: Some("admin"),
    permissions: &[],
    impersonator: Some("user_2"),
    csrf: "token",
    profile: "https://accounts.hub.example/user",
};
const ROOT: SiteContext = SiteContext { base_path: "", ..PAGE };
const IDS: [&str; 26] = [
    "I-1", "I-2", "D-1", "D-2", "T-1", "T-2", "T-3", "E-1", "E-2", "A-1", "A-2", "A-3", "L-1", "L-2", "L-3", "B-1",
    "B-2", "B-3", "S-1", "R-1", "R-2", "R-3", "R-4", "N-1", "N-2", "N-3",
];

fn pages(page: &SiteContext) -> Vec<String> {
    vec![
        home(page).unwrap(),
        security(page).unwrap(),
        error_page(
            page,
            ErrorText { status: 404, title: "Not found", sentence: "There is no page here." },
            "01JDD0000000000000000000ZZ",
        )
        .unwrap(),
        error_page(
            page,
            ErrorText { status: 401, title: "Over", sentence: "Sign in again." },
            "01JDD0000000000000000000ZZ",
        )
        .unwrap(),
        account(page, &ACCOUNT).unwrap(),
        account(page, &Account { organization: None, organization_role: None, impersonator: None, ..ACCOUNT }).unwrap(),
        sign_out(page, "token").unwrap(),
    ]
}

#[test]
fn every_promise_is_shown_once_with_its_anchor() {
    let html = security(&PAGE).unwrap();
    for id in IDS {
        assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        assert_eq!(html.matches(&format!("class=\"id\" href=\"#{id}\">{id}<")).count(), 1, "{id}");
    }
    assert_eq!(html.matches("<article class=\"promise\"").count(), IDS.len());
}

#[test]
fn states_are_counted() {
    let tally = Promises::parse().unwrap().tally();
    assert_eq!(tally, StatusCounts { all: 23, enforced: 9, in_part: 3, planned: 6, provided: 5 });
}

fn promises() -> Vec<Promise> {
    Promises::parse().unwrap().groups.into_iter().flat_map(|group| group.promises).collect()
}

fn promise(id: &str) -> Promise {
    promises().into_iter().find(|promise| promise.id == id).unwrap()
}

#[test]
fn partial_promises_state_exceptions_or_outstanding_work() {
    for Promise { id, state, exceptions, outstanding, .. } in promises() {
        let outstanding = outstanding.as_deref().is_some_and(|text| !text.is_empty());
        assert!(exceptions.iter().all(|text| text.ends_with('.')), "{id}");
        match state {
            State::Enforced | State::Planned => assert!(!outstanding && exceptions.is_empty(), "{id}"),
            State::InPart => assert!(outstanding || !exceptions.is_empty(), "{id}"),
            State::ProvidedBy(_) => {}
        }
    }
}

/// An unbuilt mechanism reads like a built one, unless each of its sentences is about the future or the interim.
#[test]
fn planned_mechanisms_are_in_the_future() {
    for Promise { id, mechanism, state, .. } in promises() {
        assert_eq!(mechanism.starts_with("Planned: "), state == State::Planned, "{id}");
        if state != State::Planned {
            continue;
        }
        for sentence in mechanism.split_inclusive(". ") {
            assert!(sentence.contains(" will ") || sentence.starts_with("Until then "), "{id}: {sentence}");
        }
    }
}

/// Exceptions that the program cannot prevent are listed with the parties that can use them.
#[test]
fn bypasses_of_the_api_are_listed_with_their_parties_a_3() {
    let Promise { state, exceptions, .. } = promise("A-3");
    assert_eq!(state, State::InPart);
    let text = exceptions.join(" ");
    for holder in ["deploy", "authenticator", "Supabase", "administration roles", "nightly check", "A read"] {
        assert!(text.contains(holder), "{holder}");
    }
    let html = security(&PAGE).unwrap();
    assert!(exceptions.iter().all(|exception| html.contains(exception.as_str())), "{exceptions:?}");
}

/// The page states that nothing is cached at the edge as long as wrangler.toml disables it.
#[test]
fn page_states_that_edge_caching_is_disabled_d_2() {
    let off = include_str!("../../../wrangler.toml").contains("\ncache = { enabled = false }");
    let outstanding = promise("D-2").outstanding.unwrap_or_default();
    assert_eq!(off, outstanding.contains("Cloudflare’s own cache"), "{outstanding}");
}

#[test]
fn nouns_are_singular_or_plural_by_count() {
    for (number, phrase) in [(0, "0 promises"), (1, "1 promise"), (2, "2 promises"), (21, "21 promises")] {
        let tally = StatusCounts { all: number, enforced: number, in_part: number, planned: number, provided: number };
        let company = || Company::parse().unwrap();
        let page = Security {
            page: &PAGE,
            company: company(),
            tally,
            groups: Vec::new(),
            exclusions: Vec::new(),
            path: "/security",
        };
        let html = page.render().unwrap();
        assert_eq!(html.matches(&format!("{phrase}.")).count(), 5, "{phrase}");
        let tally = StatusCounts { all: number, ..StatusCounts::default() };
        let html = Home { page: &PAGE, company: company(), tally, path: "/" }.render().unwrap();
        assert_eq!(html.matches(&format!("{phrase} about")).count(), 1, "{phrase}");
    }
}

/// The front page describes no screens that a client of the studio would expect and not find.
#[test]
fn front_page_describes_only_existing_screens() {
    let html = home(&PAGE).unwrap();
    assert!(html.contains("It has no screens for them."));
    for screen in ["work together", "dashboard", "your tickets", "the app that"] {
        assert!(!html.to_lowercase().contains(screen), "{screen}");
    }
}

#[test]
fn exclusions_show_state_review_and_alternative() {
    for Exclusion { id, status, instead, reviewed: Month { date, text }, .. } in Promises::parse().unwrap().exclusions {
        assert!(!status.is_empty() && !instead.is_empty() && text.ends_with("2026"), "{id}");
        assert_eq!(date.len(), "2026-06".len(), "{id}");
    }
}

#[test]
fn links_carry_the_base_path() {
    for (page, start) in [(&PAGE, "/app/"), (&ROOT, "/")] {
        for html in pages(page) {
            for link in links(&html) {
                let own = link.strip_prefix(page.origin).unwrap_or(link);
                if own == ACCOUNT.profile {
                    continue;
                }
                assert!(own.starts_with(start) || own.starts_with('#') || own.starts_with("mailto:"), "{link}");
                assert!(!own.starts_with("//") && !own.contains("/app/app"), "{link}");
            }
        }
    }
}

#[test]
fn links_resolve_to_existing_anchors_and_pages() {
    let target = security(&ROOT).unwrap();
    for html in pages(&ROOT) {
        for link in links(&html) {
            let link = link.strip_prefix(ROOT.origin).unwrap_or(link);
            if link == ACCOUNT.profile {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            assert!(path.is_empty() || path.starts_with("mailto:") || PATHS.contains(&path), "{link}");
            let found = |html: &str| html.contains(&format!(" id=\"{anchor}\""));
            assert!(anchor.is_empty() || found(if path.is_empty() { &html } else { &target }), "{link}");
        }
    }
}

#[test]
fn pages_comply_with_the_content_security_policy() {
    for html in pages(&PAGE) {
        for forbidden in ["<script", "<style", " style=", "<iframe", "javascript:", " onclick", "<base", "data:"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        // Forms occur on a user's own pages only; each is a post to the Hub that carries its token.
        for form in html.split("<form").skip(1) {
            assert!(form.starts_with(" method=\"post\" action=\"/app/sign-out\"><input type=\"hidden\" name=\"csrf\""));
        }
    }
    for html in [home(&PAGE).unwrap(), security(&PAGE).unwrap()] {
        assert!(!html.contains("<form"));
    }
    for elsewhere in ["url(", "@import", "http:", "https:"] {
        assert!(!STYLESHEET.contains(elsewhere), "{elsewhere}");
    }
    assert!(FAVICON.starts_with("<svg") && ROBOTS.starts_with("User-agent: *\n"));
}

#[test]
fn hostile_values_are_escaped() {
    let hostile = "\"><script>alert('1')</script>&";
    let place = SiteContext { base_path: hostile, origin: hostile, version: hostile, commit: hostile };
    let promise = Promise {
        id: hostile.to_owned(),
        title: hostile.to_owned(),
        statement: hostile.to_owned(),
        mechanism: hostile.to_owned(),
        state: State::ProvidedBy(hostile.to_owned()),
        exceptions: vec![hostile.to_owned()],
        outstanding: Some(hostile.to_owned()),
    };
    let group = Group { slug: hostile.to_owned(), title: hostile.to_owned(), promises: vec![promise] };
    let page = Security {
        page: &place,
        company: Company::parse().unwrap(),
        tally: StatusCounts::default(),
        groups: vec![group],
        exclusions: Vec::new(),
        path: "/security",
    };
    for html in [
        page.render().unwrap(),
        error_page(&place, ErrorText { status: 500, title: hostile, sentence: hostile }, hostile).unwrap(),
    ] {
        assert!(!html.contains("<script") && !html.contains("\"><s"));
        assert!(html.contains("&#60;script&#62;"));
    }
}

#[test]
fn error_page_shows_status_and_request_id() {
    let html = error_page(
        &PAGE,
        ErrorText { status: 404, title: "Not found", sentence: "There is no page here." },
        "01JDD0000000000000000000ZZ",
    )
    .unwrap();
    for part in [">404<", "<h1>Not found</h1>", "There is no page here.", "01JDD0000000000000000000ZZ", "noindex"] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("canonical"));
}

fn links(html: &str) -> Vec<&str> {
    [" href=\"", " src=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

const PATHS: [&str; 9] = [
    "/",
    "/security",
    "/assets/hub.css",
    "/assets/favicon.svg",
    "/.well-known/security.txt",
    "/healthz",
    "/account",
    "/sign-in",
    "/sign-out",
];
